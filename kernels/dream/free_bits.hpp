#pragma once
// Divergences below a threshold cost nothing: free bits and balancing as weights of the gradients.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// The loss of a row is dynamics max(free, KL(sg posterior || prior)) +
/// representation max(free, KL(posterior || sg prior)).
struct FreeBitsConfig {
  float free = 1.F;  ///< nats
  float dynamics = 1.F, representation = 0.1F;
  bool joint = false;  ///< one divergence pulls at both, weighed by `dynamics` (version 1)
  bool of_mean =
      false;  ///< compare the mean over rows (versions 1 and 2), not every row (version 3)
};

/// Weights for latent_kl_backward, already divided by the number of rows, and the mean loss.
///
/// Shapes   kl: (rows); representation, dynamics: (rows); loss: (2): mean loss, mean divergence.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Kingma et al. 2016, "Improved variational inference with inverse autoregressive flow", appendix
///          C.8; Hafner et al. 2021, 2023 (balancing; clipping a row).
void free_bits(Cpu exec, FreeBitsConfig const& config, In<float> kl, Out<float> representation,
               Out<float> dynamics, Out<float> loss);
void free_bits(Gpu exec, FreeBitsConfig const& config, In<float> kl, Out<float> representation,
               Out<float> dynamics, Out<float> loss);

}  // namespace loom
