#pragma once
// Imagination as one kernel: H steps of actor, recurrence, prior and draws for every start, the state on chip.
#include <kernels/dream/rssm.hpp>

namespace loom {

/// Sizes of a model and its actor.
struct DreamShape : RssmSizes {
  PolicyShape policy = {};
  int actor_layers = 3, prior_layers = 2;  ///< hidden ones
  bool bounded_actions = true;             ///< the recurrence sees a / max(1, |a|)

  /// Layers in the order of their parameters: the actor's hidden ones and its output; the recurrence's; the
  /// prior's hidden ones and its output.
  std::vector<JointShape> layers() const;
  /// Throws ConfigError for sizes that do not fit each other or JointStack.
  void check() const;
};

/// Whether the kernel of such a machine takes it: any on a CPU; on a GPU at most 512 outputs a layer, an even number
/// of units and blocks that eight warps can share beside core block, an even deter beside reset_after, and what fits
/// shared memory.
bool dream_fits(Exec const& exec, DreamShape const& shape);

/// What kernel bodies get of a packed model.
struct DreamView {
  DreamShape shape;
  JointStack stack;
  float tanh_shift = 0.F;  ///< of tanh_normal policies
};

/// A model's parameters in the machine's order.
class PackedDream {
 public:
  /// Throws ConfigError where dream_fits says no.
  PackedDream(Exec const& exec, DreamShape const& shape);

  /// As PackedLayers, of shape.layers().
  void pack(Exec const& exec, std::vector<JointSource> const& layers) {
    layers_.pack(exec, layers);
  }
  DreamView const& view() const { return view_; }

 private:
  PackedLayers layers_;
  DreamView view_;
};

/// Trajectories of N starts.
struct DreamOutput {
  OutRows<float> feature;   ///< ((H + 1) N, feature): [h z], the starts first
  OutRows<float> action;    ///< (H N, actions): one-hot, or as drawn
  Out<std::int32_t> index;  ///< (H N) of categorical policies; may be empty
  /// Activations that the way back needs, of H N rows, in the order of shape.layers(): host memory, read by the
  /// call; null: nothing is kept.
  KeptLayer const* kept = nullptr;
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

/// The kernel behind PackedLayers::pack.
void dream_pack(Cpu exec, PackJoint const& plan);
void dream_pack(Gpu exec, PackJoint const& plan);
/// Whether the machine's kernel has room.
bool dream_room(Cpu exec, DreamShape const& shape);
bool dream_room(Gpu exec, DreamShape const& shape);

}  // namespace loom
