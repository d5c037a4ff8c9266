#pragma once
// A dense layer on row-major batches, through gemm: any width, any activation.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/linalg/gemm.hpp>
#include <kernels/nn/activation.hpp>

namespace loom {

/// y = activation(x), element by element. x, y: (rows, cols), any stride; y may be x.
void apply_activation(Cpu exec, Activation kind, InRows<float> x, OutRows<float> y);
void apply_activation(Gpu exec, Activation kind, InRows<float> x, OutRows<float> y);

/// dx = dy times the derivative at `kept`: the activation's input for silu, else its output. dx may
/// be dy.
void apply_activation_gradient(Cpu exec, Activation kind, InRows<float> kept, InRows<float> dy,
                               OutRows<float> dx);
void apply_activation_gradient(Gpu exec, Activation kind, InRows<float> kept, InRows<float> dy,
                               OutRows<float> dx);

struct DenseOptions {
  Activation activation = Activation::identity;
  Precision precision = Precision::fp32;
  Out<std::uint8_t> workspace{};  ///< dense_workspace(...) bytes, aligned to 256
};

/// Bytes of workspace that forward and backward of a layer need.
std::size_t dense_workspace(Cpu exec, int rows, int outputs);
std::size_t dense_workspace(Gpu exec, int rows, int outputs);

/// y = activation(x W^T + b).
///
/// Shapes   x: (rows, I), weight: (O, I), bias: (O) or empty, y: (rows, O); any strides. `input` of
/// the
///          activation: (rows, O), or data = nullptr where silu's backward pass will not follow.
/// Errors   ShapeError if the sizes do not fit.
void dense(Cpu exec, InRows<float> x, InRows<float> weight, In<float> bias, OutRows<float> y,
           OutRows<float> input, DenseOptions const& options);
void dense(Gpu exec, InRows<float> x, InRows<float> weight, In<float> bias, OutRows<float> y,
           OutRows<float> input, DenseOptions const& options);

/// What backward writes. Null or empty members are not computed.
struct DenseGradients {
  OutRows<float> dx{};       ///< (rows, I), overwritten
  OutRows<float> dweight{};  ///< (O, I)
  Out<float> dbias{};        ///< (O), overwritten
  Result weight_result = Result::overwrite;
};

/// Gradients of sum(y * dy).
///
/// Shapes   as dense; kept: the activation's input for silu, else y (unused for identity); dy:
/// (rows, O);
///          dz: (rows, O), gets dy times the derivative, may be dy's memory.
/// Errors   ShapeError if the sizes do not fit.
void dense_backward(Cpu exec, InRows<float> x, InRows<float> weight, InRows<float> kept,
                    InRows<float> dy, OutRows<float> dz, DenseGradients const& gradients,
                    DenseOptions const& options);
void dense_backward(Gpu exec, InRows<float> x, InRows<float> weight, InRows<float> kept,
                    InRows<float> dy, OutRows<float> dz, DenseGradients const& gradients,
                    DenseOptions const& options);

}  // namespace loom
