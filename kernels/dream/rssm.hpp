#pragma once
// What kinds of recurrent state-space models and policies there are.
#include <kernels/dream/actor.hpp>
#include <kernels/dream/tanh_actor.hpp>

namespace loom {

/// The deterministic path h' = f(h, z, a).
///
/// reset_after: Cho's unit behind one layer of z and a (Dreamer version 1).
/// layer_norm:  the same with all gates under one layer norm (version 2).
/// block:       h, z and a each through a layer, then block-diagonal layers (version 3).
enum class RssmCore { reset_after, layer_norm, block };

inline constexpr float kUpdateBias = -1.F;        ///< of the update gates of versions 2 and 3
inline constexpr float kGateNormEpsilon = 1e-3F;  ///< of layer_norm's norm: Keras'

/// How the stochastic state z is distributed, from the numbers that a layer leaves for it.
struct LatentsShape {
  enum class Kind { categorical, gaussian };
  Kind kind = Kind::categorical;
  int groups = 32, classes = 4;  ///< categorical: one-hots side by side
  float unimix = 0.01F;
  int gaussian = 30;             ///< numbers of z
  float least_deviation = 0.1F;  ///< added to softplus

  HD constexpr int size() const { return kind == Kind::categorical ? groups * classes : gaussian; }
  /// Numbers that z is drawn from: logits, or means and then what deviations are made of.
  HD constexpr int statistics() const { return kind == Kind::categorical ? size() : 2 * gaussian; }
};

/// What an actor's output means.
enum class DreamPolicy { categorical, bounded_normal, tanh_normal, truncated_normal };

/// The numbers that turn it into actions.
struct PolicyShape {
  DreamPolicy kind = DreamPolicy::categorical;
  float unimix = 0.01F;           ///< categorical
  ActorDeviation deviation = {};  ///< bounded_normal
  TanhActor tanh = {};            ///< tanh_normal

  HD constexpr int outputs(int actions) const {
    return kind == DreamPolicy::categorical ? actions : 2 * actions;
  }
};

}  // namespace loom
