#pragma once
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// y[i] = scale x[i] + shift, rounded once.
///
/// Shapes   x, y: (n). y may alias x.
/// Errors   ShapeError if the sizes differ.
void affine(Cpu exec, float scale, float shift, In<float> x, Out<float> y);
void affine(Gpu exec, float scale, float shift, In<float> x, Out<float> y);

}  // namespace loom
