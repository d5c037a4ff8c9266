#pragma once
// T steps of (observe -> normalise -> policy -> sample -> step) for all instances in one kernel.
#include <kernels/nn/mlp.hpp>
#include <sim/core/memory.hpp>

namespace loom {

/// Running moments of observations, frozen while they are used: clip((x - mean) * inverse_std, +-limit).
struct ObservationNorm {
  float const* mean = nullptr;         ///< [O]; null: observations pass as they are
  float const* inverse_std = nullptr;  ///< [O]
  float limit = 10.F;

  template <class F>
  HD F operator()(int field, F x) const {
    if (mean == nullptr) return x;
    return math::clamp((x - F(mean[field])) * F(inverse_std[field]), F(-limit), F(limit));
  }
};

/// A policy as a rollout needs it: packed networks and what lies around them.
///
/// Discrete actions: the actor's outputs are logits. Continuous: means of a diagonal Gaussian with
/// state-independent log_std. Greedy takes the argmax or the mean and leaves the random numbers alone.
struct PolicyView {
  MlpView actor;
  MlpView critic;                  ///< depth 0: no values
  float const* log_std = nullptr;  ///< [A], continuous actions only
  ObservationNorm norm;
  bool greedy = false;
};

/// Where the steps go, in tiles of 64: [T][N/64][field][64]. Observations are stored as the environment
/// gave them; a null pointer leaves that array out.
struct RolloutView {
  int steps = 0;
  float* observation = nullptr;  ///< [T][N/64][O][64], before the action
  float* action = nullptr;  ///< [T][N/64][A][64] as sampled, unclipped; discrete: int32 bit for bit
  float* log_prob = nullptr;           ///< [T][N]
  float* value = nullptr;              ///< [T][N]
  float* reward = nullptr;             ///< [T][N]
  std::uint8_t* terminated = nullptr;  ///< [T][N]
  std::uint8_t* truncated = nullptr;   ///< [T][N]
  float* final_observation = nullptr;  ///< [T][N/64][O][64], written where an episode ended
};

/// The batch with the arrays of step t in the place of its own, where the rollout has them.
HD EnvMemory at_step(EnvMemory m, RolloutView const& out, int t) {
  auto const n = static_cast<std::ptrdiff_t>(m.num_envs);
  if (out.action != nullptr) m.action.data = out.action + t * n * m.action.fields;
  if (out.reward != nullptr) m.reward = out.reward + t * n;
  if (out.terminated != nullptr) m.terminated = out.terminated + t * n;
  if (out.truncated != nullptr) m.truncated = out.truncated + t * n;
  if (out.final_observation != nullptr)
    m.final_observation.data = out.final_observation + t * n * m.observation.fields;
  return m;
}

/// Actions for step t of a rollout from features of every instance instead of its observation: stored in
/// m.action, their log-probabilities and values in `out`, random numbers as in the fused rollout.
///
/// Shapes   features: (m.num_envs, I) for networks of I inputs.
/// Errors   ShapeError if the sizes do not fit.
void choose_actions(Cpu exec, ActionSpace const& space, PolicyView const& policy,
                    EnvMemory const& memory, InRows<float> features, RolloutView const& out, int t);
void choose_actions(Gpu exec, ActionSpace const& space, PolicyView const& policy,
                    EnvMemory const& memory, InRows<float> features, RolloutView const& out, int t);

/// values[i] = critic(observation of place i) for the places listed, in one batched pass.
///
/// Shapes   observation: tiles [n/64][O][64]; places: their indices, the first count[0] of them; without
///          places all n. value: (n), written at those places.
/// Device   count stays on the device: blocks beyond it return at once, so a captured graph replays it.
void observation_values(Cpu exec, MlpView const& critic, ObservationNorm const& norm,
                        Tiles<float> observation, int n, In<std::int32_t> places,
                        In<std::int32_t> count, Out<float> value);
void observation_values(Gpu exec, MlpView const& critic, ObservationNorm const& norm,
                        Tiles<float> observation, int n, In<std::int32_t> places,
                        In<std::int32_t> count, Out<float> value);

/// Actions for rows of observations: what a caller outside of a rollout asks a policy for. Sampling takes
/// its random numbers from (seed, row, tick).
///
/// Shapes   observation: (rows, O); action: (rows, space.fields()), discrete ones as the float of their index.
/// Errors   ShapeError if the sizes do not fit the networks.
void policy_act(Cpu exec, ActionSpace const& space, PolicyView const& policy, std::uint64_t seed,
                std::uint32_t tick, InRows<float> observation, OutRows<float> action);
void policy_act(Gpu exec, ActionSpace const& space, PolicyView const& policy, std::uint64_t seed,
                std::uint32_t tick, InRows<float> observation, OutRows<float> action);

}  // namespace loom
