#pragma once
// Recorded sequences as one kernel: T steps of recurrence, posterior and draws, the state on chip.
#include <kernels/dream/rssm.hpp>

namespace loom {

/// Sizes of a model and its posterior q(z | h, tokens).
struct ObserveShape : RssmSizes {
  int posterior_layers = 1;  ///< hidden ones

  /// Layers in the order of their parameters: the recurrence's; the posterior's hidden ones, the first of which
  /// has the columns of h alone, and its output.
  std::vector<JointShape> layers() const;
  /// Throws ConfigError for sizes that do not fit each other or JointStack.
  void check() const;
};

/// Whether the kernel of such a machine takes it, as dream_fits.
bool observe_fits(Exec const& exec, ObserveShape const& shape);

/// What kernel bodies get of a packed model.
struct ObserveView {
  ObserveShape shape;
  JointStack stack;
};

/// A model's parameters in the machine's order.
class PackedObserve {
 public:
  /// Throws ConfigError where observe_fits says no.
  PackedObserve(Exec const& exec, ObserveShape const& shape);

  /// As PackedLayers, of shape.layers().
  void pack(Exec const& exec, std::vector<JointSource> const& layers) {
    layers_.pack(exec, layers);
  }
  ObserveView const& view() const { return view_; }

 private:
  PackedLayers layers_;
  ObserveView view_;
};

/// T steps of B sequences, [T][B] in rows.
struct ObserveInput {
  InRows<float> start;   ///< (B, feature): [h z] before the first step
  InRows<float> action;  ///< (T B, actions): what the recurrence sees, as carry_action
  In<float> first;       ///< (T B): not 0 where an episode begins, which knows no state before it
  /// (T B, units): W tokens, the share of the tokens in the sums of the posterior's first layer. It depends on no
  /// state: one product for all steps, however many tokens there are.
  InRows<float> token_sums;
  RowDraws draws;  ///< T B streams, one tick
};

/// States of every step, and what the way back needs.
struct ObserveOutput {
  OutRows<float> feature;  ///< (T B, feature): [h z]
  /// Activations of T B rows, in the order of shape.layers(); the last one's output are the statistics that z is
  /// drawn from. Host memory, read by the call; null: nothing is kept.
  KeptLayer const* kept = nullptr;
};

/// Follows T = action.rows / B recorded steps:
///
///   h_t = f(h_{t-1}, z_{t-1}, a_t),  z_t ~ q(z | h_t, tokens_t).
///
/// Bits     the same run to run for any number of threads; the draws are those of latent_sample and
///          gaussian_latent_sample with the same streams.
/// Errors   ShapeError if the sizes do not fit.
/// Precision  fp32 on the CPU; on the GPU bf16 weights, states and token_sums, fp32 sums.
/// Source   Hafner et al. 2019, "Learning latent dynamics for planning from pixels", section 3; 2020, 2021, 2023.
void dream_observe(Cpu exec, ObserveView const& model, ObserveInput const& in,
                   ObserveOutput const& output);
void dream_observe(Gpu exec, ObserveView const& model, ObserveInput const& in,
                   ObserveOutput const& output);

/// Whether the machine's kernel has room.
bool observe_room(Cpu exec, ObserveShape const& shape);
bool observe_room(Gpu exec, ObserveShape const& shape);

}  // namespace loom
