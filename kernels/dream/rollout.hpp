#pragma once
// Imagination as one kernel: H steps of actor, recurrence, prior and draws for every start, the state on chip.
#include <kernels/core/buffer.hpp>
#include <kernels/core/joint_layer.hpp>
#include <kernels/dream/rssm.hpp>
#include <kernels/nn/activation.hpp>
#include <vector>

namespace loom {

/// Sizes of a model and its actor. Hidden layers: activation(norm(W x + b)); the norm is RMS (epsilon 1e-4, a
/// gain) beside core block, and none beside the others, as published.
struct DreamShape {
  RssmCore core = RssmCore::block;
  int deter = 512, units = 64, blocks = 8;
  LatentsShape latents = {};
  int actions = 1;
  PolicyShape policy = {};
  int actor_layers = 3, prior_layers = 2;  ///< hidden ones
  Activation activation = Activation::silu;
  bool bounded_actions = true;  ///< the recurrence sees a / max(1, |a|)

  HD constexpr int stochastic() const { return latents.size(); }
  HD constexpr int feature() const { return deter + stochastic(); }
  /// Layers in the order of their parameters: the actor's hidden ones and its output; the recurrence's; the
  /// prior's hidden ones and its output.
  ///
  /// reset_after  inputs [z a], gates of that (3 deter), gates of h (3 deter): r, u, c
  /// layer_norm   inputs [z a], gates of [inputs h] under a layer norm (gain, shift): r, c, u
  /// block        of h, of z, of a; core of [h_g, all three] a block; gates of it, a block: r, c, u
  std::vector<JointShape> layers() const;
  /// Throws ConfigError for sizes that do not fit each other or JointStack.
  void check() const;
};

/// Whether the kernel of such a machine takes it: any on a CPU; on a GPU at most 512 outputs a layer, an even number
/// of units and blocks that eight warps can share beside core block, and what fits shared memory.
bool dream_fits(Exec const& exec, DreamShape const& shape);

/// What kernel bodies get of a packed model.
struct DreamView {
  DreamShape shape;
  JointStack stack;
  float tanh_shift = 0.F;  ///< of tanh_normal policies
};

/// A model's parameters in the machine's order (GPU: bf16 weights, fp32 vectors). Contents are undefined before
/// the first pack().
class PackedDream {
 public:
  /// Throws ConfigError where dream_fits says no.
  PackedDream(Exec const& exec, DreamShape const& shape);

  /// Takes over the parameters of shape.layers(); biases, gains and shifts of one vector number a sum, as
  /// JointSource. A kernel: may be captured in a graph; the pointers are the graph's.
  void pack(Exec const& exec, std::vector<JointSource> const& layers);
  DreamView const& view() const { return view_; }

 private:
  Buffer<std::byte> memory_;
  DreamView view_;
};

/// Activations that the way back needs, step after step ([H][N][columns] each), all of them or none. Of cores
/// reset_after and layer_norm with an activation whose derivative is taken at its output.
struct DreamKept {
  static constexpr int kMaxLayers = 8;
  float* actor[kMaxLayers] = {};                       ///< hidden layers, then the output
  float* inputs = nullptr;                             ///< (units)
  float *input_sums = nullptr, *state_sums = nullptr;  ///< reset_after: (3 deter)
  /// layer_norm: (3 deter) before and after the norm, and its (2): centre, 1 / deviation
  float *gate_sums = nullptr, *gates = nullptr, *gate_statistics = nullptr;
  float* prior[kMaxLayers] = {};  ///< hidden layers, then the statistics
};

/// Trajectories of N starts.
struct DreamOutput {
  OutRows<float> feature;           ///< ((H + 1) N, feature): [h z], the starts first
  OutRows<float> action;            ///< (H N, actions): one-hot, or as drawn
  Out<std::int32_t> index;          ///< (H N) of categorical policies; may be empty
  DreamKept const* kept = nullptr;  ///< host memory, read by the call
};

/// Imagines H = action.rows / N steps.
///
/// Shapes   start: (N, feature), any stride, may be output.feature's first rows; draws: 2 H N streams, those of
///          the actions step after step, then those of the states; one tick.
/// Bits     the same run to run for any number of threads; the draws are those of the single kernels
///          (latent_sample, gaussian_latent_sample, actor_normal_sample, ...) with the same streams.
/// Errors   ShapeError if the sizes do not fit.
/// Precision  fp32 on the CPU; on the GPU bf16 weights and states, fp32 sums.
/// Source   Hafner et al. 2020, "Dream to control", section 3; 2021; 2023 (Dreamer versions 1 to 3).
void dream_rollout(Cpu exec, DreamView const& model, InRows<float> start, RowDraws const& draws,
                   DreamOutput const& output);
void dream_rollout(Gpu exec, DreamView const& model, InRows<float> start, RowDraws const& draws,
                   DreamOutput const& output);

/// The kernel behind PackedDream::pack.
void dream_pack(Cpu exec, PackJoint const& plan);
void dream_pack(Gpu exec, PackJoint const& plan);
/// Whether the machine's kernel has room.
bool dream_room(Cpu exec, DreamShape const& shape);
bool dream_room(Gpu exec, DreamShape const& shape);

}  // namespace loom
