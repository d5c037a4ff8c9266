#pragma once
// What kinds of recurrent state-space models and policies there are, and what their kernels have in common.
#include <kernels/core/buffer.hpp>
#include <kernels/core/joint_layer.hpp>
#include <kernels/dream/actor.hpp>
#include <kernels/dream/tanh_actor.hpp>
#include <kernels/nn/activation.hpp>
#include <vector>

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

/// Sizes of a model's state [h z] and of the layers from one to the next. Hidden layers: activation(norm(W x + b));
/// the norm is RMS (epsilon 1e-4, a gain) beside core block, and none beside the others, as published.
struct RssmSizes {
  RssmCore core = RssmCore::block;
  int deter = 512, units = 64, blocks = 8;
  LatentsShape latents = {};
  int actions = 1;
  Activation activation = Activation::silu;

  HD constexpr int stochastic() const { return latents.size(); }
  HD constexpr int feature() const { return deter + stochastic(); }
  /// Throws ConfigError for sizes that do not fit each other.
  void check(char const* who) const;
};

/// Layers of a kernel in the order of their parameters.
struct RssmLayers {
  std::vector<JointShape> all;

  void add(int x0, int x1, int outputs, int gates = 1, int blocks = 1);
  /// `depth` hidden layers of [x0 x1], then an output.
  void add_tower(RssmSizes const& sizes, int x0, int x1, int depth, int outputs);
  /// reset_after  inputs [z a], gates of that (3 deter), gates of h (3 deter): r, u, c
  /// layer_norm   inputs [z a], gates of [inputs h] under a layer norm (gain, shift): r, c, u
  /// block        of h, of z, of a; core of [h_g, all three] a block; gates of it, a block: r, c, u
  void add_recurrence(RssmSizes const& sizes);
};

/// Parameters of such layers in the machine's order (GPU: bf16 weights, fp32 vectors). Contents are undefined
/// before the first pack().
class PackedLayers {
 public:
  PackedLayers(Exec const& exec, std::vector<JointShape> const& layers);

  /// Takes over the parameters of all layers; biases, gains and shifts of one vector number a sum, as JointSource.
  /// A kernel: may be captured in a graph; the pointers are the graph's.
  void pack(Exec const& exec, std::vector<JointSource> const& layers);
  JointStack const& stack() const { return stack_; }

 private:
  Buffer<std::byte> memory_;
  JointStack stack_;
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
