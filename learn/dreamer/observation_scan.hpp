#pragma once
// Latent states of recorded sequences: the model follows what happened.
#include <kernels/dream/observe.hpp>
#include <learn/dreamer/recurrence.hpp>

namespace loom {

/// T steps of B sequences, time-major: everything below is [T][B] in rows.
///
///   h_t = f(h_{t-1}, z_{t-1}, a_{t-1}),  z_t ~ q(z | h_t, tokens_t),  prior p(z | h_t),
/// state and action before t being 0 where an episode begins at t.
class ObservationScan {
 public:
  ObservationScan(Exec const& exec, RssmShape const& shape, int sequences, int steps,
                  Parameters& parameters);

  /// Why the fused kernel does not take such a model; empty if it does.
  static std::string refusal(Exec const& exec, RssmShape const& shape);

  struct Inputs {
    InRows<float> start;   ///< (B, feature): the state before the first step
    InRows<float> action;  ///< (T B, actions): the one before each step
    In<float> first;       ///< (T B)
    InRows<float> tokens;  ///< (T B, tokens)
    RowDraws draws;        ///< of T B rows
  };
  void forward(Exec const& exec, Inputs const& in);

  /// [h, z] of every step: (T B, feature).
  OutRows<float> feature() { return rows(feature_, shape_.feature()); }
  InRows<float> posterior() { return posterior_.output(); }
  InRows<float> prior() { return prior_.output(); }

  /// Everything back: dfeature, dposterior and dprior hold the gradients that come from outside and are
  /// used up; dtokens is overwritten, and so is the gradient of all parameters of this model.
  void backward(Exec const& exec, Inputs const& in, OutRows<float> dfeature,
                OutRows<float> dposterior, OutRows<float> dprior, OutRows<float> dtokens);

 private:
  OutRows<float> rows(Buffer<float>& b, int cols) const;
  /// Step t of a [T][B] matrix.
  template <class Rows>
  Rows step(Rows x, int t) const {
    return {x.row(t * sequences_), sequences_, x.cols, x.stride};
  }
  template <class Rows>
  Rows h(Rows feature) const {
    return h_of(shape_, feature);
  }
  template <class Rows>
  Rows z(Rows feature) const {
    return z_of(shape_, feature);
  }
  RowDraws draws(RowDraws const& all, int t) const;
  void follow(Exec const& exec, Inputs const& in);
  void follow_layer_by_layer(Exec const& exec, Inputs const& in);

  RssmShape shape_;
  int sequences_, steps_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  Stack posterior_, prior_;
  std::optional<PackedObserve> packed_;  // where the kernel follows
  std::vector<JointSource> sources_;
  std::vector<KeptLayer> kept_;
  Buffer<float> feature_, before_h_, before_z_, before_a_, token_sums_;
  Buffer<float> dh_, dz_;
};

}  // namespace loom
