#pragma once
// Parameters that follow others slowly: target networks.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// average += rate (x - average); at rate 1 a copy, bit for bit.
///
/// Shapes   x, average: (n).
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes differ; ConfigError unless 0 < rate <= 1.
/// Source   Polyak, Juditsky 1992, "Acceleration of stochastic approximation by averaging".
void moving_average(Cpu exec, float rate, In<float> x, Out<float> average);
void moving_average(Gpu exec, float rate, In<float> x, Out<float> average);

}  // namespace loom
