// Crossroads against what its description says.
#include <gtest/gtest.h>

#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

TEST(Crossroads, WalksUpTheCorridorTurnsAndEndsAfterSevenSteps) {
  for (Exec const& exec : every_exec()) {
    int const n = 200;
    VectorEnv env(exec, {.name = "Crossroads", .num_envs = n});
    for (std::size_t t = 0; t < 7; ++t) {
      // Pixel of the dot: column 3 of row 4 - t, then a column further out in row 0.
      std::vector<float> const o = env.host_observation();
      for (std::size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < 35; ++k) sum += static_cast<double>(o[35 * i + k]);
        ASSERT_EQ(sum, 1);
        if (t < 5) {
          EXPECT_EQ(o[35 * i + 7 * (4 - t) + 3], 1);
        } else {
          EXPECT_EQ(o[35 * i + 3 - (t - 4)] + o[35 * i + 3 + (t - 4)], 1);
        }
      }
      // Says right everywhere: right only of dots that are there.
      env.set_actions(std::vector<float>(n, 1));
      env.step();
      std::vector<float> const reward = download(exec, env.reward());
      std::vector<std::uint8_t> const terminated = download(exec, env.terminated());
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(reward[i], t < 5 ? 0 : o[35 * i + 3 + (t - 4)]);
        EXPECT_EQ(terminated[i] != 0, t == 6);
      }
    }
  }
}

TEST(Crossroads, TurnsAsOftenAsItsParameterSays) {
  std::size_t const n = 10000;
  std::vector<float> state;
  for (std::size_t i = 0; i < n; ++i) state.insert(state.end(), {0, 0});
  for (Exec const& exec : every_exec()) {
    if (!on_cpu(exec)) continue;  // the bits are the same; many instances take the emulator long
    for (float const right : {0.F, 0.3F, 0.5F, 1.F}) {
      OneStep const got = one_step(exec,
                                   {.name = "Crossroads",
                                    .num_envs = static_cast<int>(n),
                                    .parameters = {{"right", Distribution::fixed, right, 0}}},
                                   state, std::vector<float>(n, 0));
      int to_the_right = 0;
      for (std::size_t i = 0; i < n; ++i) {
        to_the_right += got.state[2 * i] > 0;
        EXPECT_EQ(std::abs(got.state[2 * i]), 1);
      }
      // Five deviations of a mean of 10000.
      EXPECT_NEAR(static_cast<double>(to_the_right) / n, right,
                  5 * std::sqrt(right * (1 - right) / n));
    }
  }
}

TEST(Crossroads, SharesADotBetweenThePixelsItTouches) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "Crossroads", .num_envs = 2});
    env.set_state(std::vector<float>{0, 2.75F, -1.5F, 0});
    env.set_actions(std::vector<float>{0, 0});
    env.step();
    std::vector<float> const o = env.host_observation();
    EXPECT_EQ(o[7 * 1 + 3], 0.25F);
    EXPECT_EQ(o[7 * 2 + 3], 0.75F);
    EXPECT_EQ(o[35 + 0], 0.5F);  // 2.5 cells to the left
    EXPECT_EQ(o[35 + 1], 0.5F);
  }
}

}  // namespace
}  // namespace loom
