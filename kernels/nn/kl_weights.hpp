#pragma once
#include <kernels/core/view.hpp>

namespace loom {

/// Weights of a divergence's two gradients in sum over b of representation_b KL(posterior || sg prior) +
/// dynamics_b KL(sg posterior || prior). Balancing is in the two, and free bits are weights of 0.
///
/// Shapes   (B) each.
/// Source   Hafner et al. 2021, "Mastering Atari with discrete world models", equation 2.
struct KlWeights {
  In<float> representation, dynamics;
};

}  // namespace loom
