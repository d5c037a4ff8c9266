#pragma once
// How uncertain a latent state is: what the run log says of prior and posterior.
#include <learn/dreamer/latents.hpp>

namespace loom {

/// Entropies of up to `rows` rows of statistics.
class LatentEntropy {
 public:
  LatentEntropy(Exec const& exec, LatentsShape const& shape, int rows);

  /// Leaves in total (1) what mean() makes the entropy of; it may be added over batches. Statistics: (rows,
  /// statistics()), any stride.
  void sum(Exec const& exec, InRows<float> statistics, Out<float> total);
  /// Mean entropy of one categorical, or of one number of a Gaussian, in nats; total over `rows` rows.
  static double mean(LatentsShape const& shape, double total, double rows);

 private:
  LatentsShape shape_;
  Buffer<float> uniform_, row_, log_std_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
