// What every registered algorithm promises, on small batches of every environment it is given.
#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <learn/core/algorithm.hpp>
#include <learn/core/checkpoint.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

/// A small learner: few instances, short rollouts; unknown keys are simply not there for some algorithms.
std::unique_ptr<Algorithm> small(AlgorithmEntry const& entry, Exec const& exec,
                                 char const* environment, std::uint64_t seed = 3) {
  AlgorithmEntry::Prepared p = entry.prepare();
  for (auto const& [key, value] : {std::pair{"steps", "8"},
                                   {"epochs", "2"},
                                   {"minibatches", "2"},
                                   {"hidden", "33,16"},
                                   {"normalise_observation", "true"},
                                   {"normalise_reward", "true"},
                                   {"units", "16"},
                                   {"deter", "32"},
                                   {"groups", "4"},
                                   {"bins", "9"},
                                   {"batch", "3"},
                                   {"length", "5"},
                                   {"horizon", "3"},
                                   {"warm_up", "2"},
                                   {"capacity", "7000"},
                                   {"train_ratio", "0.1"}})
    if (p.keys.find(key) != nullptr) p.keys.set_text(key, value);
  return p.make(exec, {.name = environment, .num_envs = 70, .seed = seed, .max_steps = 13});
}

std::string bytes_after(Algorithm& learner, int iterations) {
  for (int i = 0; i < iterations; ++i) {
    learner.collect();
    learner.update();
  }
  Checkpoint file;
  learner.save(file);
  return file.bytes();
}

TEST(EveryAlgorithm, RepeatsItselfBitForBitOnAnyNumberOfThreads) {
  ThreadPool two(2);
  for (AlgorithmEntry const* entry : algorithms())
    for (char const* environment : {"CartPole", "Pendulum"}) {
      std::string const one = bytes_after(*small(*entry, Exec{Cpu{}}, environment), 4);
      EXPECT_EQ(bytes_after(*small(*entry, Exec{Cpu{}}, environment), 4), one);
      EXPECT_EQ(bytes_after(*small(*entry, Exec{Cpu{&two}}, environment), 4), one)
          << "on two threads";
      EXPECT_NE(bytes_after(*small(*entry, Exec{Cpu{}}, environment, 4), 4), one)
          << "the seed does nothing";
    }
}

TEST(EveryAlgorithm, ContinuesBitForBitFromACheckpoint) {
  for (Exec const& exec : every_exec())
    for (AlgorithmEntry const* entry : algorithms())
      for (char const* environment : {"CartPole", "Pendulum"}) {
        std::unique_ptr<Algorithm> const whole = small(*entry, exec, environment);
        std::string const half = bytes_after(*whole, 3);
        std::string const end = bytes_after(*whole, 3);
        std::unique_ptr<Algorithm> const again = small(*entry, exec, environment);
        again->load(Checkpoint::parse(half, "half"));
        EXPECT_EQ(again->env_steps(), 3 * 8 * 70);
        EXPECT_EQ(bytes_after(*again, 3), end) << entry->name << " on " << environment;
      }
}

TEST(EveryAlgorithm, MeasuresFiniteNumbers) {
  for (Exec const& exec : every_exec())
    for (AlgorithmEntry const* entry : algorithms()) {
      std::unique_ptr<Algorithm> const learner = small(*entry, exec, "Pendulum");
      bytes_after(*learner, 4);
      Metrics const metrics = learner->metrics();
      EXPECT_GT(metrics.size(), 3U);
      for (auto const& [name, value] : metrics)
        EXPECT_TRUE(std::isfinite(value)) << entry->name << ": " << name;
    }
}

TEST(EveryAlgorithm, ActsInsideTheSpaceAndGreedilyAlwaysTheSame) {
  for (Exec const& exec : every_exec())
    for (AlgorithmEntry const* entry : algorithms())
      for (char const* environment : {"CartPole", "Pendulum"}) {
        std::unique_ptr<Algorithm> const learner = small(*entry, exec, environment);
        EnvSpec const& spec = find_environment(environment).spec();
        int const rows = 67, o = spec.observation, a = spec.actions.fields();
        std::vector<float> x(static_cast<std::size_t>(rows * o));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
        Buffer<float> const observation = uploaded(exec, x);
        Buffer<float> action(exec, static_cast<std::size_t>(rows * a));
        auto act = [&](ActMode mode) {
          learner->act({observation.data(), rows, o}, {action.data(), rows, a}, mode);
          return download(action);
        };
        std::vector<float> const greedy = act(ActMode::greedy), sampled = act(ActMode::sample);
        EXPECT_EQ(act(ActMode::greedy), greedy);
        EXPECT_NE(act(ActMode::sample), sampled) << "a second sample is the first again";
        for (float const v : sampled)
          EXPECT_TRUE(!spec.actions.discrete || v == 0.F || v == 1.F) << v;
      }
}

}  // namespace
}  // namespace loom
