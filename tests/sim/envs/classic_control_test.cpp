// Acrobot and the two mountain cars: one step from 10,000 states against Gymnasium in double
// precision.
#include <gtest/gtest.h>

#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

constexpr double kTolerance = 2e-6;  // one step's rounding, relative to max(1, |x|)
constexpr double kBoundary = 5e-7;   // two roundings of a number near 1

// RK4 over 0.2 s at up to 28 rad/s is unstable: it magnifies any change of the state, roundings of
// its first stage included, by the amplification that the fixture states (median 3, up to 8e4).
// Tolerances are that much wider, and states without amplification keep the plain one.
TEST(Acrobot, StepsAsGymnasium) {
  Fixture const f("gymnasium/acrobot");
  std::vector<float> const state = f.floats("state"), action = f.floats("action");
  std::vector<double> const next = f.vector("next_state"), margin = f.vector("margin"),
                            amplification = f.vector("amplification");
  std::vector<std::uint8_t> const terminated = f.flags("terminated");
  auto const n = action.size();
  for (Exec const& exec : every_exec()) {
    OneStep const got =
        one_step(exec, {.name = "Acrobot", .num_envs = static_cast<int>(n)}, state, action);
    double worst = 0, largest = 0;
    int boundary = 0, wrong_ends = 0, plain = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double const* const want = &next[4 * i];
      float const* const seen = &got.observation[6 * i];
      double here = std::max({error(seen[0], std::cos(want[0])), error(seen[1], std::sin(want[0])),
                              error(seen[2], std::cos(want[1])), error(seen[3], std::sin(want[1])),
                              error(seen[4], want[2]), error(seen[5], want[3])});
      if (got.terminated[i] == 0)
        for (std::size_t k = 0; k < 2; ++k)
          here = std::max(here, angle_error(got.state[4 * i + k], want[k]));
      worst = std::max(worst, here / amplification[i]);
      largest = std::max(largest, here);
      plain += here < kTolerance;
      EXPECT_EQ(got.reward[i], got.terminated[i] != 0 ? 0 : -1);
      if (std::abs(margin[i]) < kBoundary * amplification[i])
        ++boundary;
      else
        wrong_ends += got.terminated[i] != terminated[i];
    }
    EXPECT_LT(worst, kTolerance);
    EXPECT_GT(plain, 9 * static_cast<int>(n) / 10);
    EXPECT_EQ(wrong_ends, 0);
    EXPECT_LT(boundary, n / 10);
    std::cout << "Acrobot: worst error " << worst << " of the amplification, " << largest
              << " by itself; " << plain << " of " << n << " below the plain tolerance; "
              << boundary << " boundary cases\n";
  }
}

void mountain_car(std::string const& name, std::string const& file) {
  Fixture const f("gymnasium/" + file);
  std::vector<float> const state = f.floats("state"), action = f.floats("action");
  std::vector<double> const next = f.vector("next_state"), margin = f.vector("margin"),
                            reward = f.vector("reward");
  std::vector<std::uint8_t> const terminated = f.flags("terminated");
  auto const n = action.size();
  for (Exec const& exec : every_exec()) {
    OneStep const got =
        one_step(exec, {.name = name, .num_envs = static_cast<int>(n)}, state, action);
    double worst = 0;
    int boundary = 0, wrong_ends = 0;
    for (std::size_t i = 0; i < n; ++i) {
      worst = std::max(worst, error(got.observation[2 * i], next[2 * i]));
      // This near to the wall the car may or may not have been stopped, and to the goal, arrived.
      if (std::abs(margin[i]) < kBoundary) {
        ++boundary;
        continue;
      }
      worst = std::max({worst, error(got.observation[2 * i + 1], next[2 * i + 1]),
                        error(got.reward[i], reward[i])});
      wrong_ends += got.terminated[i] != terminated[i];
    }
    EXPECT_LT(worst, kTolerance);
    EXPECT_EQ(wrong_ends, 0);
    EXPECT_LT(boundary, n / 10);
    std::cout << name << ": worst error " << worst << ", " << boundary << " boundary cases of " << n
              << "\n";
  }
}

TEST(MountainCar, StepsAsGymnasium) { mountain_car("MountainCar", "mountain_car"); }

TEST(MountainCarContinuous, StepsAsGymnasium) {
  mountain_car("MountainCarContinuous", "mountain_car_continuous");
}

TEST(MountainCar, IsStoppedByTheWallAndOnlyThere) {
  // A car thrown at the wall loses its speed; one that leaves it keeps what it has.
  OneStep const got = one_step(Exec{Cpu{}}, {.name = "MountainCar", .num_envs = 2},
                               {-1.19F, -0.06F, -1.2F, 0.01F}, {1, 1});
  EXPECT_EQ(got.state[0], -1.2F);
  EXPECT_EQ(got.state[1], 0);
  EXPECT_GT(got.state[2], -1.2F);
  EXPECT_GT(got.state[3], 0.01F);
}

}  // namespace
}  // namespace loom
