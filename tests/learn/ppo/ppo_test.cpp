#include <gtest/gtest.h>

#include <cmath>
#include <learn/ppo/ppo.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

Ppo::Config small() {
  Ppo::Config c;
  c.steps = 16;
  c.epochs = 1;
  c.minibatches = 1;
  c.hidden = {32, 32};
  return c;
}

double metric(Metrics const& metrics, std::string const& name) {
  for (auto const& [key, value] : metrics)
    if (key == name) return value;
  ADD_FAILURE() << "no metric " << name;
  return NAN;
}

TEST(Ppo, FirstMinibatchHasRatioOne) {
  for (char const* environment : {"CartPole", "Pendulum"}) {
    Ppo ppo(Exec{Cpu{}}, {.name = environment, .num_envs = 128}, small());
    ppo.collect();
    ppo.update();
    Metrics const m = ppo.metrics();
    EXPECT_EQ(metric(m, "clip_fraction"), 0);
    EXPECT_NEAR(metric(m, "kl_k1"), 0, 1e-6);  // rollout and minibatch sum in different orders
    EXPECT_NEAR(metric(m, "kl_k3"), 0, 1e-6);
    EXPECT_NEAR(metric(m, "policy_loss"), 0, 1e-6);  // normalised advantages have mean 0
  }
}

TEST(Ppo, StartsWithTheEntropyOfItsInitialisation) {
  // Policy head of gain 0.01: nearly uniform over two actions; one Gaussian of deviation 1.
  Ppo cartpole(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64}, small());
  cartpole.collect();
  cartpole.update();
  EXPECT_NEAR(metric(cartpole.metrics(), "entropy"), std::log(2.0), 1e-4);
  Ppo pendulum(Exec{Cpu{}}, {.name = "Pendulum", .num_envs = 64}, small());
  pendulum.collect();
  pendulum.update();
  EXPECT_NEAR(metric(pendulum.metrics(), "entropy"), 0.5 * std::log(2 * M_PI * M_E), 1e-5);
}

TEST(Ppo, ValueLossFalls) {
  for (Exec const& exec : every_exec()) {
    Ppo::Config c = small();
    c.epochs = 8;
    c.learning_rate = 3e-3F;
    c.normalise_reward = true;
    Ppo ppo(exec, {.name = "Pendulum", .num_envs = 64}, c);
    double first = 0, last = 0;
    for (int i = 0; i < 12; ++i) {
      ppo.collect();
      ppo.update();
      last = metric(ppo.metrics(), "value_loss");
      if (i == 0) first = last;
    }
    EXPECT_LT(last, 0.8 * first);
  }
}

TEST(Ppo, ExactBootstrappingAtTimeLimitsLowersTheValueError) {
  // Pendulum ends by its time limit only: cut short at 20 steps, merged flags teach wrong values.
  double unexplained[2];
  for (bool const exact : {false, true}) {
    Ppo::Config c = small();
    c.steps = 20;
    c.epochs = 10;
    c.minibatches = 4;
    c.learning_rate = 1e-3F;
    c.gamma = 0.9F;
    c.normalise_reward = true;
    c.bootstrap_truncated = exact;
    Ppo ppo(Exec{Cpu{}}, {.name = "Pendulum", .num_envs = 256, .max_steps = 20}, c);
    Metrics m;
    for (int i = 0; i < 40; ++i) {
      ppo.collect();
      ppo.update();
      m = ppo.metrics();
    }
    unexplained[exact ? 1 : 0] = 1 - metric(m, "explained_variance");
  }
  EXPECT_LT(unexplained[1], unexplained[0]);
}

TEST(Ppo, AnnealsItsLearningRateToZero) {
  Ppo::Config c = small();
  c.anneal_steps = 4 * 16 * 64;
  Ppo ppo(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64}, c);
  for (double const part : {1.0, 0.75, 0.5, 0.25, 0.0, 0.0}) {
    ppo.collect();
    ppo.update();
    EXPECT_NEAR(metric(ppo.metrics(), "learning_rate"), part * static_cast<double>(c.learning_rate),
                1e-9);
  }
}

TEST(Ppo, RefusesMinibatchesThatDoNotDivide) {
  Ppo::Config c = small();
  c.minibatches = 3;
  try {
    Ppo(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 4}, c);
    FAIL() << "64 steps in 3 parts";
  } catch (ConfigError const& e) {
    EXPECT_STREQ(e.what(), "ppo: 3 minibatches of 16 x 4 steps (needs a divisor of 64)");
  }
}

TEST(Ppo, BalancesTheCartPole) {
  Ppo::Config c;
  c.steps = 32;
  c.epochs = 6;
  c.minibatches = 4;
  c.learning_rate = 3e-3F;
  Ppo ppo(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 256, .seed = 1}, c);
  double length = 0;
  for (int i = 0; i < 40 && length < 300; ++i) {
    ppo.collect();
    ppo.update();
    for (auto const& [name, value] : ppo.metrics())
      if (name == "episode_length") length = value;
  }
  EXPECT_GT(length, 150) << "of 500; a random policy reaches 22";
}

}  // namespace
}  // namespace loom
