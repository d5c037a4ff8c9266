// Reacher against the same arm in MuJoCo, against what physics conserves, and against a controller
// that has to succeed.
#include <gtest/gtest.h>

#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

constexpr double kTolerance = 2e-6;  // one step's rounding, relative to max(1, |x|)

VectorEnvConfig arm_of(Fixture const& f, int n) {
  std::vector<float> const length = f.floats("length"), mass = f.floats("mass");
  return {.name = "Reacher",
          .num_envs = n,
          .parameters = {{"length_1", Distribution::fixed, length[0]},
                         {"length_2", Distribution::fixed, length[1]},
                         {"mass_1", Distribution::fixed, mass[0]},
                         {"mass_2", Distribution::fixed, mass[1]}}};
}

/// The states of the fixture with these targets, (n, 2).
std::vector<float> with_targets(std::vector<float> const& joints,
                                std::vector<double> const& targets) {
  std::vector<float> state;
  for (std::size_t i = 0; 4 * i < joints.size() && 2 * i < targets.size(); ++i) {
    state.insert(state.end(), &joints[4 * i], &joints[4 * i] + 4);
    state.push_back(static_cast<float>(targets[2 * i]));
    state.push_back(static_cast<float>(targets[2 * i + 1]));
  }
  return state;
}

TEST(Reacher, StepsAsMuJoCo) {
  Fixture const f("dm_control/reacher");
  std::vector<float> const joints = f.floats("state"), action = f.floats("action");
  std::vector<double> const next = f.vector("next_state");
  auto const n = joints.size() / 4;
  for (Exec const& exec : every_exec()) {
    // Targets out of reach, so that no episode ends.
    std::vector<float> const state = with_targets(joints, std::vector<double>(2 * n, 5.0));
    OneStep const got = one_step(exec, arm_of(f, static_cast<int>(n)), state, action);
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(got.terminated[i] | got.truncated[i], 0);
      for (std::size_t k = 0; k < 4; ++k)
        worst =
            std::max(worst, (k < 2 ? angle_error : error)(got.state[6 * i + k], next[4 * i + k]));
      float const* const seen = &got.observation[10 * i];
      worst = std::max(
          {worst, error(seen[0], std::cos(next[4 * i])), error(seen[1], std::sin(next[4 * i])),
           error(seen[2], std::cos(next[4 * i + 1])), error(seen[3], std::sin(next[4 * i + 1])),
           error(seen[4], next[4 * i + 2]), error(seen[5], next[4 * i + 3])});
    }
    EXPECT_LT(worst, kTolerance);
    std::cout << "Reacher: worst error " << worst << "\n";
  }
}

TEST(Reacher, TerminatesExactlyWhereTheTipOfMuJoCosArmRestsInTheTarget) {
  Fixture const f("dm_control/reacher");
  std::vector<float> const joints = f.floats("state"), action = f.floats("action");
  std::vector<double> const tip = f.vector("tip"), speed = f.vector("tip_speed");
  std::vector<float> const length = f.floats("length");
  auto const n = speed.size();
  std::vector<double> target(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    // At distances of 0 to 0.1 m from where the tip will be.
    double const away = 0.1 * static_cast<double>(i % 98) / 97;
    target[2 * i] = tip[2 * i] + away * std::cos(static_cast<double>(i));
    target[2 * i + 1] = tip[2 * i + 1] + away * std::sin(static_cast<double>(i));
  }
  std::vector<float> const state = with_targets(joints, target);
  std::vector<float> const torques(action.begin(),
                                   action.begin() + static_cast<std::ptrdiff_t>(2 * n));
  for (Exec const& exec : every_exec()) {
    OneStep const got = one_step(exec, arm_of(f, static_cast<int>(n)), state, torques);
    int arrivals = 0, boundary = 0, fast_misses = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double const dx = static_cast<double>(state[6 * i + 4]) - tip[2 * i];
      double const dy = static_cast<double>(state[6 * i + 5]) - tip[2 * i + 1];
      double const distance = std::hypot(dx, dy);
      bool const near = distance < 0.05, slow = speed[i] < 0.2;
      EXPECT_NEAR(got.observation[10 * i + 8], dx, kTolerance);
      EXPECT_NEAR(got.observation[10 * i + 9], dy, kTolerance);
      if (std::abs(distance - 0.05) < kTolerance || std::abs(speed[i] - 0.2) < kTolerance) {
        ++boundary;
        continue;
      }
      EXPECT_EQ(got.terminated[i] != 0, near && slow) << i;
      double const cost = distance / (2.0 * (static_cast<double>(length[0]) + length[1]));
      EXPECT_NEAR(got.reward[i], (near && slow ? 10 : 0) - cost, kTolerance);
      arrivals += near && slow;
      fast_misses += near && !slow;
    }
    EXPECT_GT(arrivals, 500);
    EXPECT_GT(fast_misses, 500);
    EXPECT_LT(boundary, 10);
  }
}

TEST(Reacher, ConservesEnergyAndAngularMomentumWhenNothingActsOnIt) {
  int const n = 64;
  VectorEnv env(Exec{Cpu{}}, {.name = "Reacher",
                              .num_envs = n,
                              .parameters = {{"length_1", Distribution::uniform, 0.4F, 0.6F},
                                             {"mass_2", Distribution::uniform, 0.5F, 2},
                                             {"time_step", Distribution::fixed, 0.005F},
                                             {"damping", Distribution::fixed, 0}}});
  std::vector<float> state = env.host_state();
  std::vector<float> const length_1 = env.host_parameter("length_1"),
                           mass_2 = env.host_parameter("mass_2");
  for (std::size_t i = 0; i < n; ++i) {
    state[6 * i + 2] = 2 * std::sin(static_cast<float>(i));
    state[6 * i + 3] = 4 * std::cos(static_cast<float>(3 * i));
    state[6 * i + 4] = 9;  // out of reach
  }
  env.set_state(state);
  // Of two uniform rods, from the velocities of their centres: energy, and momentum about the base.
  auto conserved = [&](std::vector<float> const& s, std::size_t i) {
    double const q1 = s[6 * i], q12 = q1 + s[6 * i + 1], w1 = s[6 * i + 2], w12 = w1 + s[6 * i + 3];
    double const l1 = length_1[i], l2 = 0.5, m2 = mass_2[i];
    double const x = l1 * std::cos(q1) + l2 / 2 * std::cos(q12),
                 y = l1 * std::sin(q1) + l2 / 2 * std::sin(q12);
    double const vx = -l1 * w1 * std::sin(q1) - l2 / 2 * w12 * std::sin(q12),
                 vy = l1 * w1 * std::cos(q1) + l2 / 2 * w12 * std::cos(q12);
    double const first = l1 * l1 / 3, second = m2 * l2 * l2 / 12;
    return std::pair{(first * w1 * w1 + second * w12 * w12 + m2 * (vx * vx + vy * vy)) / 2,
                     first * w1 + second * w12 + m2 * (x * vy - y * vx)};
  };
  std::vector<float> now = state;
  for (int t = 0; t < 199; ++t) env.step();
  now = env.host_state();
  for (std::size_t i = 0; i < n; ++i) {
    auto const [energy, momentum] = conserved(state, i);
    auto const [later_energy, later_momentum] = conserved(now, i);
    EXPECT_NE(now[6 * i], state[6 * i]);
    // Rounding of 199 steps; RK4 itself errs by 1e-6 at this time step.
    EXPECT_NEAR(later_energy, energy, 2e-5 * (1 + energy)) << i;
    EXPECT_NEAR(later_momentum, momentum, 2e-5) << i;
  }
}

TEST(Reacher, PlacesTargetsUniformlyOverTheRingInReach) {
  int const n = 20000;
  VectorEnv env(
      Exec{Cpu{}},
      {.name = "Reacher", .num_envs = n, .parameters = {{"length_2", Distribution::fixed, 0.3F}}});
  std::vector<float> const state = env.host_state();
  double area = 0, least = 9, most = 0, x = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    double const r = std::hypot(static_cast<double>(state[6 * i + 4]), state[6 * i + 5]);
    least = std::min(least, r);
    most = std::max(most, r);
    area += r * r / n;
    x += static_cast<double>(state[6 * i + 4]) / n;
  }
  EXPECT_GE(least, 0.2 - 1e-6);
  EXPECT_LT(least, 0.21);
  EXPECT_LE(most, 0.8 + 1e-6);
  EXPECT_GT(most, 0.799);
  EXPECT_NEAR(area, (0.04 + 0.64) / 2, 4 * 0.6 / std::sqrt(12.0 * n));
  EXPECT_NEAR(x, 0, 4 * 0.42 / std::sqrt(n));
}

TEST(Reacher, IsSolvedBySpringsTowardsThePoseThatReachesTheTarget) {
  int const n = 500;
  VectorEnv env(Exec{Cpu{}}, {.name = "Reacher", .num_envs = n});
  int solved = 0;
  std::vector<bool> over(n);
  for (int t = 0; t < 200; ++t) {
    std::vector<float> const state = env.host_state();
    std::vector<float> action;
    for (std::size_t i = 0; i < n; ++i) {
      float const* const s = &state[6 * i];
      // Inverse kinematics of two links of 0.5 m, the elbow bent to the side where it is.
      double const x = s[4], y = s[5];
      double const elbow =
          std::copysign(2 * std::acos(std::min(1.0, std::hypot(x, y))), static_cast<double>(s[1]));
      double const shoulder = std::atan2(y, x) - elbow / 2;
      double const pull_1 = 8 * std::remainder(shoulder - s[0], 2 * M_PI) - 4 * s[2];
      double const pull_2 = 3 * (elbow - s[1]) - 1 * s[3];
      action.push_back(static_cast<float>(pull_1 / 2));
      action.push_back(static_cast<float>(pull_2));
    }
    env.set_actions(action);
    env.step();
    std::vector<std::uint8_t> const terminated = download(env.exec(), env.terminated());
    for (std::size_t i = 0; i < n; ++i) {
      if (over[i]) continue;
      over[i] = terminated[i] != 0;
      solved += terminated[i];
    }
  }
  EXPECT_GT(solved, 95 * n / 100);
  std::cout << "Reacher: the controller solves " << solved << " of " << n << "\n";
}

}  // namespace
}  // namespace loom
