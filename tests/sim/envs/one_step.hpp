#pragma once
// One step from many states, each its own instance, for comparison with a reference.
#include <algorithm>
#include <cmath>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/fixture.hpp>

namespace loom {

inline double error(double got, double want) {
  return std::abs(got - want) / std::max(1.0, std::abs(want));
}

inline double angle_error(double got, double want) {
  return std::abs(std::remainder(got - want, 2 * M_PI)) / std::max(1.0, std::abs(want));
}

/// What a step made of every instance. Rows of an ended episode hold its final observation and, in
/// `state`, the fresh start.
struct OneStep {
  std::vector<float> observation, state, reward;
  std::vector<std::uint8_t> terminated, truncated;
};

/// states: (n, state fields); actions: (n) numbers as float for discrete spaces, else (n, fields).
inline OneStep one_step(Exec const& exec, VectorEnvConfig config, std::vector<float> const& states,
                        std::vector<float> const& actions) {
  VectorEnv env(exec, config);
  env.set_state(states);
  env.set_actions(actions);
  env.step();
  OneStep result{env.host_observation(), env.host_state(), download(exec, env.reward()),
                 download(exec, env.terminated()), download(exec, env.truncated())};
  std::vector<float> last = download(exec, env.final_observation());
  int const fields = env.observation_fields();
  for (int i = 0; i < env.num_envs(); ++i) {
    auto const at = static_cast<std::size_t>(i);
    if ((result.terminated[at] | result.truncated[at]) == 0) continue;
    for (int f = 0; f < fields; ++f)
      result.observation[at * static_cast<std::size_t>(fields) + static_cast<std::size_t>(f)] =
          Tiles<float>{last.data(), fields}.at(f, i);
  }
  return result;
}

}  // namespace loom
