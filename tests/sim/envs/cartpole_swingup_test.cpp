// CartPoleSwingup against dm_control and MuJoCo in double precision.
#include <gtest/gtest.h>

#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

constexpr double kTolerance = 2e-6;  // one step's rounding, relative to max(1, |x|)

TEST(CartPoleSwingup, StepsAsMuJoCo) {
  Fixture const f("dm_control/cartpole_swingup");
  std::vector<float> const state = f.floats("state"), action = f.floats("action");
  std::vector<double> const next = f.vector("next_state"), reward = f.vector("reward"),
                            amplification = f.vector("amplification");
  std::vector<std::uint8_t> const touched = f.flags("touched");
  auto const n = action.size();
  for (Exec const& exec : every_exec()) {
    OneStep const got =
        one_step(exec, {.name = "CartPoleSwingup", .num_envs = static_cast<int>(n)}, state, action);
    double worst = 0, worst_reward = 0;
    int at_the_rail = 0, boundary = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double const* const want = &next[4 * i];
      float const *const now = &got.state[4 * i], *const seen = &got.observation[5 * i];
      EXPECT_EQ(got.terminated[i] | got.truncated[i], 0);
      double const here = std::max(
          {error(now[0], want[0]), angle_error(now[1], want[1]), error(now[2], want[2]),
           error(now[3], want[3]), error(seen[0], want[0]), error(seen[1], std::cos(want[1])),
           error(seen[2], std::sin(want[1])), error(seen[3], want[2]), error(seen[4], want[3])});
      // The constraint sets in with a jump: where a position's rounding decides on which side of
      // the rail's end a stage of the step falls, the fixture has a large amplification.
      if (amplification[i] > 100) {
        ++boundary;
        continue;
      }
      at_the_rail += touched[i];
      worst = std::max(worst, here);
      worst_reward = std::max(worst_reward, std::abs(got.reward[i] - reward[i]));
    }
    EXPECT_LT(worst, kTolerance);
    EXPECT_LT(worst_reward, kTolerance);
    EXPECT_GT(at_the_rail, 2000);
    EXPECT_LT(boundary, static_cast<int>(n) / 10);
    std::cout << "CartPoleSwingup: worst error " << worst << ", of a reward " << worst_reward
              << "; " << at_the_rail << " at the rail's end, " << boundary << " boundary cases of "
              << n << "\n";
  }
}

TEST(CartPoleSwingup, PaysARandomPolicyWhatTheSuitePays) {
  Fixture const f("dm_control/cartpole_swingup");
  int const n = 10000;
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPoleSwingup", .num_envs = n, .seed = 12});
  for (int t = 0; t < 1000; ++t) env.step_random();
  EpisodeStatistics const s = env.statistics();
  EXPECT_EQ(s.instances_finished, n);
  double const deviation = f.scalar("random_deviation");
  EXPECT_NEAR(
      s.mean_first_return, f.scalar("random_mean"),
      3 * std::hypot(deviation / std::sqrt(n), deviation / std::sqrt(f.scalar("random_episodes"))));
}

TEST(CartPoleSwingup, StartsHangingAtRestButForShaking) {
  int const n = 20000;
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPoleSwingup", .num_envs = n});
  std::vector<float> const state = env.host_state();
  for (std::size_t k = 0; k < 4; ++k) {
    double sum = 0, square = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      double const x = k == 1 ? std::remainder(state[4 * i + k] - M_PI, 2 * M_PI)
                              : static_cast<double>(state[4 * i + k]);
      sum += x;
      square += x * x;
    }
    EXPECT_NEAR(sum / n, 0, 4 * 0.01 / std::sqrt(n)) << "field " << k;
    EXPECT_NEAR(std::sqrt(square / n), 0.01, 4 * 0.01 / std::sqrt(2 * n)) << "field " << k;
  }
}

}  // namespace
}  // namespace loom
