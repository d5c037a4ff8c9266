// Noise, delay, sticky actions and frame skip: what arrives at the environment, and what comes back.
#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

constexpr int kNumEnvs = 1000;

VectorEnvConfig disturbed(std::string name, std::vector<ParameterChoice> choices) {
  return {
      .name = std::move(name), .num_envs = kNumEnvs, .seed = 7, .parameters = std::move(choices)};
}

/// Pendulum's third state field is the torque that its motor got.
std::vector<float> torques(VectorEnv const& env) {
  std::vector<float> const state = env.host_state();
  std::vector<float> torque;
  for (std::size_t i = 2; i < state.size(); i += 3) torque.push_back(state[i]);
  return torque;
}

std::vector<float> everywhere(float action) { return std::vector<float>(kNumEnvs, action); }

TEST(ActionDelay, IsAsManyStepsAsItSays) {
  for (Exec const& exec : every_exec()) {
    for (int const delay : {1, 3, kMaxDelay}) {
      VectorEnv env(exec, disturbed("Pendulum", {{"action_delay", Distribution::fixed,
                                                  static_cast<float>(delay), 0}}));
      for (int t = 0; t < 40; ++t) {
        env.set_actions(everywhere(0.01F * static_cast<float>(t + 1)));
        env.step();
        // Until the first action arrives it drives the episode all the same.
        float const expected = 0.01F * static_cast<float>(std::max(t - delay, 0) + 1);
        for (float const torque : torques(env)) ASSERT_EQ(torque, expected) << "step " << t;
      }
    }
  }
}

TEST(ActionDelay, StartsAnewWithEveryEpisode) {
  VectorEnvConfig config = disturbed("Pendulum", {{"action_delay", Distribution::fixed, 5, 0}});
  config.max_steps = 10;
  VectorEnv env(Exec{Cpu{}}, config);
  for (int t = 0; t < 10; ++t) {
    env.set_actions(everywhere(1.F));
    env.step();
  }
  env.set_actions(everywhere(-1.F));
  env.step();
  for (float const torque : torques(env)) EXPECT_EQ(torque, -1.F);
}

TEST(ActionDelay, IsDrawnPerEpisodeAndRoundedDown) {
  VectorEnv env(Exec{Cpu{}},
                disturbed("Pendulum", {{"action_delay", Distribution::uniform, 0, 3}}));
  std::vector<float> const delay = env.host_parameter("action_delay");
  for (int t = 0; t < 6; ++t) {
    env.set_actions(everywhere(0.1F * static_cast<float>(t)));
    env.step();
  }
  std::vector<float> const torque = torques(env);
  int count[3] = {};
  for (std::size_t i = 0; i < torque.size(); ++i) {
    ASSERT_LT(delay[i], 3);
    EXPECT_EQ(torque[i], 0.1F * static_cast<float>(5 - static_cast<int>(delay[i])));
    ++count[static_cast<int>(delay[i])];
  }
  for (int const c : count) EXPECT_NEAR(c, kNumEnvs / 3, 75);  // 5 standard errors
}

TEST(StickyAction, RepeatsWithTheProbabilityGiven) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, disturbed("Pendulum", {{"sticky_action", Distribution::fixed, 0.25F, 0}}));
    env.set_actions(everywhere(0.5F));
    env.step();
    std::vector<float> before = torques(env);
    for (float const torque : before) EXPECT_EQ(torque, 0.5F);  // nothing to repeat yet
    int repeated = 0;
    constexpr int kSteps = 50;
    for (int t = 0; t < kSteps; ++t) {
      float const asked = 0.01F * static_cast<float>(t);
      env.set_actions(everywhere(asked));
      env.step();
      std::vector<float> const now = torques(env);
      for (std::size_t i = 0; i < now.size(); ++i) {
        ASSERT_TRUE(now[i] == asked || now[i] == before[i]);
        repeated += now[i] != asked;
      }
      before = now;
    }
    double const n = kSteps * kNumEnvs;
    EXPECT_NEAR(repeated / n, 0.25, 5 * std::sqrt(0.25 * 0.75 / n));
  }
}

TEST(ActionNoise, OfContinuousActionsIsAPartOfHalfTheirRange) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, disturbed("Pendulum", {{"action_noise", Distribution::fixed, 0.1F, 0}}));
    double sum = 0, square = 0;
    constexpr int kSteps = 20;
    for (int t = 0; t < kSteps; ++t) {
      env.set_actions(everywhere(0.5F));
      env.step();
      for (float const torque : torques(env)) {
        sum += static_cast<double>(torque) - 0.5;
        square += std::pow(static_cast<double>(torque) - 0.5, 2);
      }
    }
    double const n = kSteps * kNumEnvs;
    EXPECT_NEAR(sum / n, 0, 5 * 0.2 / std::sqrt(n));
    EXPECT_NEAR(std::sqrt(square / n), 0.2, 5 * 0.2 / std::sqrt(2 * n));  // 0.1 of [-2, 2] / 2
    env.set_actions(everywhere(2.F));
    env.step();
    for (float const torque : torques(env)) EXPECT_LE(torque, 2);  // clipped after the noise
  }
}

TEST(ActionNoise, OfDiscreteActionsIsAChanceOfARandomOne) {
  VectorEnv env(Exec{Cpu{}},
                disturbed("CartPole", {{"action_noise", Distribution::fixed, 0.4F, 0}}));
  std::vector<float> const before = env.host_state();
  env.set_actions(everywhere(1.F));
  env.step();
  std::vector<float> const after = env.host_state();
  int left = 0;
  for (std::size_t i = 0; i < kNumEnvs; ++i) left += after[4 * i + 1] < before[4 * i + 1];
  // Half of the random actions push left.
  EXPECT_NEAR(left / double{kNumEnvs}, 0.2, 5 * std::sqrt(0.2 * 0.8 / kNumEnvs));
}

TEST(ObservationNoise, IsNormalAndLeavesTheStateAlone) {
  for (Exec const& exec : every_exec()) {
    VectorEnv plain(exec, disturbed("CartPole", {}));
    VectorEnv noisy(exec,
                    disturbed("CartPole", {{"observation_noise", Distribution::fixed, 0.5F, 0}}));
    double sum = 0, square = 0, fourth = 0;
    int n = 0;
    // The first observation, and observations of steps in which some episodes began.
    for (int t = 0; t < 12; ++t) {
      std::vector<float> const a = plain.host_observation(), b = noisy.host_observation();
      for (std::size_t k = 0; k < a.size(); ++k) {
        double const d = static_cast<double>(b[k]) - static_cast<double>(a[k]);
        sum += d;
        square += d * d;
        fourth += d * d * d * d;
        ++n;
      }
      EXPECT_EQ(plain.host_state(), noisy.host_state());
      plain.step_random();
      noisy.step_random();
    }
    double const variance = square / n;
    EXPECT_NEAR(sum / n, 0, 5 * 0.5 / std::sqrt(n));
    EXPECT_NEAR(variance, 0.25, 5 * 0.25 * std::sqrt(2.0 / n));
    EXPECT_NEAR(fourth / n / (variance * variance), 3, 5 * std::sqrt(24.0 / n));
  }
}

TEST(FrameSkip, IsTheSameActionSoManyTimes) {
  for (Exec const& exec : every_exec()) {
    VectorEnv one(exec, {.name = "Pendulum", .num_envs = 64}),
        four(exec, {.name = "Pendulum", .num_envs = 64, .frame_skip = 4});
    std::vector<float> actions(64);
    for (std::size_t i = 0; i < 64; ++i) actions[i] = 0.06F * static_cast<float>(i) - 2;
    for (int t = 0; t < 49; ++t) {
      four.set_actions(actions);
      four.step();
      std::vector<float> total(64, 0.F);
      for (int k = 0; k < 4; ++k) {
        one.set_actions(actions);
        one.step();
        std::vector<float> const r = download(exec, one.reward());
        for (std::size_t i = 0; i < 64; ++i) total[i] += r[i];
      }
      std::vector<float> const paid = download(exec, four.reward());
      EXPECT_EQ(four.host_state(), one.host_state());
      for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(paid[i], total[i]);
    }
    // The time limit is of the environment: 200 steps are 50 actions.
    four.step();
    EXPECT_EQ(download(exec, four.truncated())[0], 1);
  }
}

TEST(FrameSkip, StopsWhereTheEpisodeEnds) {
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64, .frame_skip = 10});
  std::vector<float> state(64 * 4, 0.F);
  state[0] = 2.35F;  // passes 2.4 in the third of ten steps
  state[1] = 1.F;
  env.set_state(state);
  env.set_actions(std::vector<float>(64, 1.F));
  env.step();
  EXPECT_EQ(download(env.exec(), env.terminated())[0], 1);
  EXPECT_EQ(download(env.exec(), env.reward())[0], 3);
  std::vector<float> last = download(env.exec(), env.final_observation());
  EXPECT_LT((Tiles<float>{last.data(), 4}.at(0, 0)), 2.45F);
  EXPECT_GT((Tiles<float>{last.data(), 4}.at(0, 0)), 2.4F);
}

/// Everything at once, with every environment: the bits must not depend on how they are computed.
VectorEnvConfig everything(EnvEntry const& e, int first, int n) {
  return {.name = e.spec().name,
          .num_envs = n,
          .seed = 3,
          .first_instance = first,
          .parameters = {{"observation_noise", Distribution::uniform, 0, 0.1F},
                         {"action_noise", Distribution::log_uniform, 0.01F, 0.3F},
                         {"action_delay", Distribution::normal, 4, 3},
                         {"sticky_action", Distribution::uniform, 0, 0.5F}},
          .frame_skip = 2};
}

std::vector<float> after(EnvEntry const& e, Exec const& exec, int first = 0, int n = 128) {
  VectorEnv env(exec, everything(e, first, n));
  for (int t = 0; t < 100; ++t) env.step_random();
  return env.host_memory();
}

TEST_P(EveryEnv, IsDisturbedWithTheSameBitsEverywhere) {
  ThreadPool two(2);
  EnvEntry const& e = GetParam();
  std::vector<float> const one_lane = after(e, Exec{Cpu{nullptr, 1}});
  for (Exec const& exec : every_exec()) EXPECT_EQ(after(e, exec), one_lane);
  EXPECT_EQ(after(e, Exec{Cpu{nullptr, 8}}), one_lane);
  EXPECT_EQ(after(e, Exec{Cpu{&two}}), one_lane);
  VectorEnv whole(Exec{Cpu{}}, everything(e, 0, 128)), half(Exec{Cpu{}}, everything(e, 64, 64));
  for (int t = 0; t < 100; ++t) {
    whole.step_random();
    half.step_random();
  }
  std::vector<float> const all = whole.host_state(), second = half.host_state();
  EXPECT_TRUE(std::equal(second.begin(), second.end(),
                         all.end() - static_cast<std::ptrdiff_t>(second.size())));
}

TEST(Snapshot, KeepsActionsThatAreUnderWay) {
  for (Exec const& exec : every_exec()) {
    VectorEnv a(exec, disturbed("Pendulum", {{"action_delay", Distribution::fixed, 4, 0}}));
    std::vector<std::int32_t> all(kNumEnvs);
    for (int i = 0; i < kNumEnvs; ++i) all[static_cast<std::size_t>(i)] = i;
    Buffer<std::int32_t> const ids = uploaded(exec, all);
    for (int t = 0; t < 7; ++t) a.step_random();
    VectorEnv b(exec, a.config());
    b.restore(ids.in(), a.save(ids.in()), ids.in(), Stream::resume);
    for (int t = 0; t < 7; ++t) {
      a.step_random();
      b.step_random();
      EXPECT_EQ(a.host_state(), b.host_state());
    }
  }
}

TEST(VectorEnv, TakesNoMemoryForDisturbancesThatAreNotThere) {
  VectorEnv plain(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64}),
      zero(Exec{Cpu{}}, {.name = "CartPole",
                         .num_envs = 64,
                         .parameters = {{"action_noise", Distribution::uniform, 0, 0}}}),
      noisy(Exec{Cpu{}}, {.name = "CartPole",
                          .num_envs = 64,
                          .parameters = {{"action_noise", Distribution::fixed, 0.1F, 0}}});
  EXPECT_EQ(plain.host_memory().size(), zero.host_memory().size());
  EXPECT_EQ(noisy.host_memory().size(), plain.host_memory().size() + 64 * (4 + 17));
}

}  // namespace
}  // namespace loom
