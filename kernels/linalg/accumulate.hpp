#pragma once
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// y += x, element by element.
///
/// Shapes   x, y: (rows, cols), any stride.
/// Errors   ShapeError if the shapes differ.
void accumulate(Cpu exec, InRows<float> x, OutRows<float> y);
void accumulate(Gpu exec, InRows<float> x, OutRows<float> y);

}  // namespace loom
