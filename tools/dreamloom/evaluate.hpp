#pragma once
// How well a policy does: whole episodes with greedy actions, apart from training.
#include <learn/core/algorithm.hpp>
#include <optional>
#include <sim/core/vector_env.hpp>
#include <vector>

namespace loom {

/// Returns and lengths of the first episode of every instance.
struct Evaluation {
  std::vector<double> returns;
  std::vector<int> lengths;
  std::vector<bool> terminated;
  bool goal = false;  ///< termination is success

  double mean() const;
  double deviation() const;  ///< of the sample; 0 for one episode
  double lowest() const;
  double highest() const;
  double mean_length() const;
  /// Share of episodes that reached the goal, where the environment has one.
  std::optional<double> success() const;
};

/// Runs `episodes` episodes of instances 0 ... episodes - 1 of that batch (num_envs is ignored).
/// One episode an instance: the first ones to end would be the short ones. Draws nothing from the
/// learner's random numbers.
Evaluation evaluate(Algorithm& learner, Exec const& exec, VectorEnvConfig const& batch,
                    int episodes);

}  // namespace loom
