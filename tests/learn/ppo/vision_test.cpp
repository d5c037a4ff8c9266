#include <gtest/gtest.h>

#include <kernels/core/thread_pool.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/ppo/ppo.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

Ppo::Config seeing() {
  Ppo::Config config;
  config.steps = 6;
  config.epochs = 2;
  config.minibatches = 2;
  config.hidden = {16};
  config.normalise_reward = true;
  config.vision.size = 16;
  config.vision.stack = 3;
  config.vision.filters = {4, 8};
  config.vision.kernels = {4, 3};
  config.vision.strides = {2, 2};
  config.vision.features = 16;
  return config;
}

Ppo learner(Exec const& exec, char const* environment) {
  // A short limit: episodes end by time in every rollout.
  return Ppo(exec, {.name = environment, .num_envs = 70, .seed = 5, .max_steps = 7}, seeing());
}

std::string bytes_after(Ppo& ppo, int iterations) {
  for (int i = 0; i < iterations; ++i) {
    ppo.collect();
    ppo.update();
  }
  Checkpoint file;
  ppo.save(file);
  return file.bytes();
}

TEST(PpoFromPixels, RepeatsItselfBitForBitOnAnyNumberOfThreads) {
  ThreadPool two(2);
  for (char const* environment : {"CartPole", "Pendulum"}) {
    Ppo a = learner(Exec{Cpu{}}, environment), b = learner(Exec{Cpu{&two}}, environment);
    EXPECT_EQ(bytes_after(a, 3), bytes_after(b, 3)) << environment;
  }
}

TEST(PpoFromPixels, ContinuesBitForBitFromACheckpoint) {
  for (Exec const& exec : every_exec()) {
    Ppo whole = learner(exec, "CartPole"), again = learner(exec, "CartPole");
    std::string const half = bytes_after(whole, 2), end = bytes_after(whole, 3);
    again.load(Checkpoint::parse(half, "half"));
    EXPECT_EQ(bytes_after(again, 3), end);
  }
}

TEST(PpoFromPixels, PlayersSeeTheirOwnPast) {
  for (Exec const& exec : every_exec()) {
    Ppo ppo = learner(exec, "CartPole");
    VectorEnvConfig const config{.name = "CartPole", .num_envs = 30, .seed = 8};
    VectorEnv a(exec, config), b(exec, config);
    std::unique_ptr<Player> const one = ppo.player(a), other = ppo.player(b);
    for (int t = 0; t < 10; ++t) {
      one->act(ActMode::greedy);
      other->act(ActMode::greedy);
      a.step();
      b.step();
    }
    EXPECT_EQ(a.host_state(), b.host_state());
    std::vector<float> rows(120), actions(30);
    EXPECT_THROW(ppo.act({rows.data(), 30, 4}, {actions.data(), 30, 1}, ActMode::greedy),
                 ConfigError);
  }
}

TEST(PpoFromPixels, SaysWhatDoesNotFit) {
  VectorEnvConfig const env{.name = "CartPole", .num_envs = 4};
  auto with = [&](auto const& change) {
    Ppo::Config config = seeing();
    change(config);
    return [config, env] { Ppo(Exec{Cpu{}}, env, config); };
  };
  EXPECT_THROW(with([](auto& c) { c.vision.kernels = {4}; })(), ConfigError);
  EXPECT_THROW(with([](auto& c) { c.vision.kernels = {40, 3}; })(), ConfigError);
  EXPECT_THROW(with([](auto& c) { c.vision.size = 18; })(), ConfigError);
  EXPECT_THROW(with([](auto& c) { c.normalise_observation = true; })(), ConfigError);
  EXPECT_THROW(with([](auto& c) { c.steps = 600; })(), ConfigError);
}

}  // namespace
}  // namespace loom
