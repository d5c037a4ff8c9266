#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/dense_body.hpp>

namespace loom {
namespace {

// Elements per thread: a tanh is about ten times a plain lane's work.
constexpr int kActivationGrain = 1024;

bool contiguous(InRows<float> x) { return x.stride == x.cols; }

void same_shape(char const* who, InRows<float> x, InRows<float> y) {
  require(x.rows == y.rows && x.cols == y.cols, who, ": ", x.rows, " x ", x.cols, " and ", y.rows,
          " x ", y.cols, " (need the same)");
}

GemmOptions product(DenseOptions const& options) {
  return {.precision = options.precision, .workspace = options.workspace};
}

}  // namespace

void apply_activation(Here exec, Activation kind, InRows<float> x, OutRows<float> y) {
  same_shape("activation", x, y);
  if (kind == Activation::identity && x.data == y.data) return;
  EachElement const body(ApplyActivation{kind, x, y}, x.rows, x.cols,
                         contiguous(x) && contiguous(y));
  launch(exec, body.lanes(), body, kActivationGrain);
}

void apply_activation_gradient(Here exec, Activation kind, InRows<float> kept, InRows<float> dy,
                               OutRows<float> dx) {
  same_shape("activation gradient", dy, dx);
  if (kind == Activation::identity) {
    if (dx.data == dy.data) return;
    return apply_activation(exec, kind, dy, dx);
  }
  same_shape("activation gradient", kept, dy);
  EachElement const body(ApplyActivationGradient{kind, kept, dy, dx}, dy.rows, dy.cols,
                         contiguous(kept) && contiguous(dy) && contiguous(dx));
  launch(exec, body.lanes(), body, kActivationGrain);
}

std::size_t dense_workspace(Here exec, int rows, int outputs) {
  std::size_t const product = gemm_workspace(exec),
                    columns = column_reduce_workspace(rows, outputs);
  return product > columns ? product : columns;  // one after the other in the same memory
}

void dense(Here exec, InRows<float> x, InRows<float> weight, In<float> bias, OutRows<float> y,
           OutRows<float> input, DenseOptions const& options) {
  OutRows<float> const z = input.data != nullptr ? input : y;
  GemmOptions forward = product(options);
  forward.b = Transpose::yes;
  forward.bias = bias;
  gemm(exec, x, weight, z, forward);
  apply_activation(exec, options.activation, z, y);
}

void dense_backward(Here exec, InRows<float> x, InRows<float> weight, InRows<float> kept,
                    InRows<float> dy, OutRows<float> dz, DenseGradients const& gradients,
                    DenseOptions const& options) {
  apply_activation_gradient(exec, options.activation, kept, dy, dz);
  if (gradients.dx.data != nullptr) gemm(exec, dz, weight, gradients.dx, product(options));
  if (gradients.dweight.data != nullptr) {
    GemmOptions outer = product(options);
    outer.a = Transpose::yes;
    outer.result = gradients.weight_result;
    gemm(exec, dz, x, gradients.dweight, outer);
  }
  if (gradients.dbias.size > 0) column_sum(exec, dz, gradients.dbias, options.workspace);
}

}  // namespace loom
