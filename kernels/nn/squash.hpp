#pragma once
// Outputs that stay within a range.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// tanh: scale tanh(x), in (-scale, scale); sigmoid: scale sigmoid(x), in (0, scale).
enum class Squash : std::int32_t { tanh, sigmoid };

/// y = the squashed x.
///
/// Shapes   x, y: (B, n), any stride; y may be x's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the shapes differ; ConfigError unless scale > 0.
void squash(Cpu exec, Squash kind, float scale, InRows<float> x, OutRows<float> y);
void squash(Gpu exec, Squash kind, float scale, InRows<float> x, OutRows<float> y);

/// dx = dy dy/dx, from y; dx may be dy's memory.
void squash_backward(Cpu exec, Squash kind, float scale, InRows<float> y, InRows<float> dy,
                     OutRows<float> dx);
void squash_backward(Gpu exec, Squash kind, float scale, InRows<float> y, InRows<float> dy,
                     OutRows<float> dx);

}  // namespace loom
