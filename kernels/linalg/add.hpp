#pragma once
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// y[i] = a[i] + b[i].
///
/// Shapes   a, b, y: (n). y may alias a or b.
/// Errors   ShapeError if the sizes differ.
void add(Cpu exec, In<float> a, In<float> b, Out<float> y);
void add(Gpu exec, In<float> a, In<float> b, Out<float> y);

}  // namespace loom
