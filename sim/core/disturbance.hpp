#pragma once
// What comes between an agent and any environment: noise, delay, sticky actions. Each is a named
// parameter, drawn anew in every episode like the physical ones.
#include <sim/core/spec.hpp>

namespace loom {

enum class Disturbance : int {
  observation_noise,
  action_noise,
  action_delay,
  sticky_action,
  count
};
inline constexpr int kDisturbances = static_cast<int>(Disturbance::count);

/// An action arrives at most so many steps after it was asked for.
inline constexpr int kMaxDelay = 15;

/// In the order of Disturbance. All 0 by default, which costs neither time nor memory.
///
/// observation_noise  deviation of normal noise added to every number of an observation, in its unit
/// action_noise       continuous: deviation of normal noise, as a part of half the action's range;
///                    discrete: probability that a random action takes the place of the one chosen
/// action_delay       whole steps (a drawn number is rounded down); until the first action has
///                    arrived an episode is driven by it all the same
/// sticky_action      probability that the action of the step before is repeated
/// Source             Machado et al. 2018, "Revisiting the arcade learning environment" (sticky actions)
inline constexpr ParamSpec kDisturbanceParameters[kDisturbances] = {
    {"observation_noise", 0, "sd", {0, 10}},
    {"action_noise", 0, "sd or probability", {0, 1}},
    {"action_delay", 0, "steps", {0, kMaxDelay}},
    {"sticky_action", 0, "probability", {0, 1}}};

/// Fields behind the Book of a record in a disturbed batch: the four parameters, the action last
/// carried out, the last kMaxDelay + 1 actions asked for.
constexpr int disturbance_fields(int action_fields) {
  return kDisturbances + (kMaxDelay + 2) * action_fields;
}

}  // namespace loom
