#pragma once
// The stochastic state z of a recurrent state-space model: several categoricals, or a Gaussian.
#include <kernels/core/buffer.hpp>
#include <kernels/dream/rssm.hpp>
#include <kernels/nn/categorical_latent.hpp>
#include <kernels/nn/gaussian_latent.hpp>

namespace loom {

/// Draws, gradients and divergences of up to `rows` rows. Statistics: (n, statistics()), z: (n, size()),
/// any strides.
class Latents {
 public:
  Latents(Exec const& exec, LatentsShape const& shape, int rows);

  void sample(Exec const& exec, InRows<float> statistics, RowDraws const& draws, OutRows<float> z);
  /// dstatistics += the gradient through the draw: straight-through, or reparameterised.
  void sample_backward(Exec const& exec, InRows<float> statistics, RowDraws const& draws,
                       InRows<float> dz, OutRows<float> dstatistics);
  /// kl: (n), in nats.
  void divergence(Exec const& exec, InRows<float> posterior, InRows<float> prior, Out<float> kl);
  /// Overwrites both gradients.
  void divergence_backward(Exec const& exec, InRows<float> posterior, InRows<float> prior,
                           KlWeights const& weights, OutRows<float> dposterior,
                           OutRows<float> dprior);

 private:
  LatentShape categorical() const { return {shape_.groups, shape_.classes, shape_.unimix}; }
  /// Mean and log deviation; the latter goes to `log_std`.
  GaussianRows gaussian(Exec const& exec, InRows<float> statistics, Buffer<float>& log_std) const;

  LatentsShape shape_;
  Buffer<std::int32_t> index_;
  Buffer<float> slope_, log_std_, prior_log_std_;
};

}  // namespace loom
