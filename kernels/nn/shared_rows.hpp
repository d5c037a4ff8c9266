#pragma once
// Layers whose input is in part the same for several rows.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/nn/activation.hpp>

namespace loom {

/// y[r] = activation(x[r] + shared[r / n]): n = x.rows / shared.rows rows, one after the other, have one
/// row of `shared`. What they have in common is multiplied by its weights once, not n times.
///
/// Shapes   x, y: (n B, cols), shared: (B, cols), any strides; y may be x.
/// Errors   ShapeError if the sizes do not fit.
void add_shared_rows(Cpu exec, Activation activation, InRows<float> x, InRows<float> shared,
                     OutRows<float> y);
void add_shared_rows(Gpu exec, Activation activation, InRows<float> x, InRows<float> shared,
                     OutRows<float> y);

}  // namespace loom
