// PointMass against closed forms.
#include <gtest/gtest.h>

#include <tests/sim/envs/one_step.hpp>

namespace loom {
namespace {

TEST(PointMass, FliesAsTheGeometricSeriesUnderAConstantForce) {
  // v[n] = u + (v[0] - u) r^n and x[n] = x[0] + dt (n u + (v[0] - u) (r + ... + r^n)), with
  // r = 1 - dt damping / mass and u = force / damping.
  double const mass = 2, damping = 1.5, force = 3, dt = 0.03125, r = 1 - dt * damping / mass;
  int const steps = 20;
  std::vector<float> const state{-0.9F, -0.4F, 0.25F, 0, 4, 4};
  std::vector<float> const action{0.5F, 0.25F};
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "PointMass",
                         .parameters = {{"mass", Distribution::fixed, 2},
                                        {"damping", Distribution::fixed, 1.5F},
                                        {"force", Distribution::fixed, 3},
                                        {"time_step", Distribution::fixed, 0.03125F}}});
    env.set_state(state);
    env.set_actions(action);
    for (int t = 0; t < steps; ++t) env.step();
    std::vector<float> const now = env.host_state();
    for (std::size_t k = 0; k < 2; ++k) {
      double const u = action[k] * force / damping, v = state[2 + k] - u;
      double const power = std::pow(r, steps);
      EXPECT_NEAR(now[2 + k], u + v * power, 1e-6);  // rounding of 20 steps
      EXPECT_NEAR(now[k], state[k] + dt * (steps * u + v * r * (1 - power) / (1 - r)), 1e-6);
    }
  }
}

/// One axis in double precision.
void move(double& x, double& v, double push) {
  v += 0.05 * (2 * push - v);
  x += 0.05 * v;
  if (std::abs(x) > 1) {
    x = x > 0 ? 1 : -1;
    v = -0.5 * v;
  }
}

TEST(PointMass, StepsBouncesAndArrivesAsInDoublePrecision) {
  std::size_t const n = 10000;
  auto noise = [word = 12345U](float low, float high) mutable {
    word = word * 1664525U + 1013904223U;
    return low + (high - low) * static_cast<float>(word >> 8) * 0x1p-24F;
  };
  std::vector<float> state, action;
  for (std::size_t i = 0; i < n; ++i) {
    float const x = noise(-1, 1), y = noise(-1, 1), fast = i % 2 == 0 ? 2.F : 0.3F;
    float const vx = noise(-fast, fast), vy = noise(-fast, fast);
    state.insert(state.end(), {x, y, vx, vy, x + noise(-0.15F, 0.15F), y + noise(-0.15F, 0.15F)});
    action.insert(action.end(), {noise(-1, 1), noise(-1, 1)});
  }
  for (Exec const& exec : every_exec()) {
    OneStep const got =
        one_step(exec, {.name = "PointMass", .num_envs = static_cast<int>(n)}, state, action);
    double worst = 0;
    int arrivals = 0, bounces = 0, boundary = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double s[4], goal[2];
      for (std::size_t k = 0; k < 4; ++k) s[k] = state[6 * i + k];
      for (std::size_t k = 0; k < 2; ++k) {
        goal[k] = state[6 * i + 4 + k];
        move(s[k], s[2 + k], action[2 * i + k]);
      }
      double const distance = std::hypot(goal[0] - s[0], goal[1] - s[1]);
      double const speed = std::hypot(s[2], s[3]);
      if (std::abs(distance - 0.1) < 1e-6 || std::abs(speed - 0.3) < 1e-6) {
        ++boundary;
        continue;
      }
      bool const arrived = distance < 0.1 && speed < 0.3;
      EXPECT_EQ(got.terminated[i] != 0, arrived) << i;
      EXPECT_NEAR(got.reward[i], (arrived ? 10 : 0) - distance / std::sqrt(8.0), 2e-6);
      for (std::size_t k = 0; k < 4; ++k)
        worst = std::max(worst, error(got.observation[6 * i + k], s[k]));
      for (std::size_t k = 0; k < 2; ++k)
        worst = std::max(worst, error(got.observation[6 * i + 4 + k], goal[k] - s[k]));
      arrivals += arrived;
      bounces += std::abs(s[0]) == 1 || std::abs(s[1]) == 1;
    }
    EXPECT_LT(worst, 2e-6);
    EXPECT_GT(arrivals, 500);
    EXPECT_GT(bounces, 200);
    EXPECT_LT(boundary, 10);
  }
}

TEST(PointMass, IsSolvedByASpringAndADamper) {
  int const n = 1000;
  VectorEnv env(Exec{Cpu{}}, {.name = "PointMass", .num_envs = n});
  std::vector<bool> over(n);
  int solved = 0, slowest = 0;
  for (int t = 1; t <= 200; ++t) {
    std::vector<float> const o = env.host_observation();
    std::vector<float> action;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < 2; ++k) action.push_back(2 * o[6 * i + 4 + k] - o[6 * i + 2 + k]);
    env.set_actions(action);
    env.step();
    std::vector<std::uint8_t> const terminated = download(env.exec(), env.terminated());
    for (std::size_t i = 0; i < n; ++i) {
      if (over[i] || terminated[i] == 0) continue;
      over[i] = true;
      ++solved;
      slowest = t;
    }
  }
  EXPECT_EQ(solved, n);
  EXPECT_LT(slowest, 150);
  std::cout << "PointMass: the controller needs up to " << slowest << " steps\n";
}

}  // namespace
}  // namespace loom
