#pragma once
// Normalisation of rows.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

enum class Norm : std::int32_t { layer, rms };

/// layer: y = (x - mean) / sqrt(variance + epsilon) * gain + bias, over each row;
/// rms:   y = x / sqrt(mean of x^2 + epsilon) * gain + bias.
///
/// Shapes   x, y: (rows, n), any stride, y may be x; gain: (n); bias: (n) or empty;
///          statistics: (2 * rows), for the backward pass: row r's centre and 1 / deviation at 2r
///          and 2r + 1.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Ba, Kiros, Hinton 2016, "Layer Normalization"; Zhang, Sennrich 2019, "Root Mean Square
/// Layer
///          Normalization".
void norm(Cpu exec, Norm kind, float epsilon, InRows<float> x, In<float> gain, In<float> bias,
          OutRows<float> y, Out<float> statistics);
void norm(Gpu exec, Norm kind, float epsilon, InRows<float> x, In<float> gain, In<float> bias,
          OutRows<float> y, Out<float> statistics);

/// Bytes of workspace of norm_backward.
std::size_t norm_workspace(int rows, int n);

/// Gradients of sum(y * dy).
///
/// Shapes   as norm; x as it was before norm, so y must not have overwritten it; dx may be dy's
/// memory;
///          dgain: (n); dbias: (n) or empty; workspace: norm_workspace(rows, n) bytes, aligned to
///          256.
/// Errors   ShapeError if the sizes do not fit.
void norm_backward(Cpu exec, Norm kind, InRows<float> x, In<float> gain, In<float> statistics,
                   InRows<float> dy, OutRows<float> dx, Out<float> dgain, Out<float> dbias,
                   Out<std::uint8_t> workspace);
void norm_backward(Gpu exec, Norm kind, InRows<float> x, In<float> gain, In<float> statistics,
                   InRows<float> dy, OutRows<float> dx, Out<float> dgain, Out<float> dbias,
                   Out<std::uint8_t> workspace);

}  // namespace loom
