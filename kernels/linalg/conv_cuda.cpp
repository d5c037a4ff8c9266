#include <algorithm>
#include <kernels/linalg/checks.hpp>
#include <kernels/linalg/conv_checks.hpp>
#include <kernels/linalg/conv_columns_cuda.hpp>
#include <kernels/linalg/cudnn_cuda.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/dense.hpp>

namespace loom {
namespace {

using namespace conv_gpu;

/// Images worked on at a time: 64 MB of columns.
int chunk_of(ConvShape const& s, int rows) {
  return std::clamp((1 << 24) / std::max(s.inputs(), s.out_pixels() * s.patch()), 1,
                    std::max(1, rows));
}

std::size_t rounded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// Bytes of one chunk read as floats, of its columns, and of what library calls get.
struct Space {
  std::size_t images, columns, calls;

  Space(Gpu exec, ConvShape const& s, int rows) {
    auto const chunk = static_cast<std::size_t>(chunk_of(s, rows));
    images = rounded(chunk * static_cast<std::size_t>(s.inputs()) * sizeof(float));
    columns = rounded(chunk * static_cast<std::size_t>(s.out_pixels()) *
                      static_cast<std::size_t>(s.patch()) * sizeof(float));
    calls =
        std::max({gemm_workspace(exec), column_reduce_workspace(rows * s.out_pixels(), s.filters),
                  column_reduce_workspace(rows * s.height * s.width, s.channels)});
  }
  std::size_t total() const { return images + columns + calls; }
};

/// One call: the shape and the pieces of its workspace.
struct Problem {
  Gpu exec;
  ConvShape s;
  int rows, chunk;
  Precision precision;
  float* images;
  float* columns;
  Out<std::uint8_t> calls;

  Problem(Gpu exec_, ConvShape const& shape, int rows_, ConvOptions const& options)
      : exec(exec_),
        s(shape),
        rows(rows_),
        chunk(chunk_of(shape, rows_)),
        precision(options.precision) {
    Space const space(exec, s, rows);
    checks::workspace("conv", options.workspace, space.total());
    images = reinterpret_cast<float*>(options.workspace.data);
    columns = reinterpret_cast<float*>(options.workspace.data + space.images);
    std::size_t const used = space.images + space.columns;
    calls = options.workspace.slice(used, options.workspace.size - used);
  }

  cudnn::Convolution convolution(int n) const { return {s, n, precision}; }
  GemmOptions product() const { return {.precision = precision, .workspace = calls}; }
  InRows<float> filters(In<float> weight) const { return {weight.data, s.filters, s.patch()}; }
  InRows<float> patches(int n) const { return {columns, n * s.out_pixels(), s.patch()}; }
  /// f(first image, images) over chunks.
  template <class F>
  void in_chunks(F const& f) const {
    for (int begin = 0; begin < rows; begin += chunk) f(begin, std::min(chunk, rows - begin));
  }
  /// n images as floats.
  float const* read(ConvInput const& x, int begin, int n) const {
    if (x.bytes.data == nullptr) return x.floats.row(begin);
    read_bytes(exec, x.bytes.row(begin), n, s.inputs(), x.offset, images);
    return images;
  }
};

/// z = w * x.
void filter(Problem const& p, ConvInput const& x, In<float> weight, OutRows<float> z) {
  p.in_chunks([&](int begin, int n) {
    float const* const images = p.read(x, begin, n);
    if (cudnn::forward(p.exec, p.convolution(n), images, weight.data, z.row(begin), p.calls))
      return;
    gather_columns(p.exec, p.s, images, n, p.columns);
    GemmOptions product = p.product();
    product.b = Transpose::yes;
    gemm(p.exec, p.patches(n), p.filters(weight),
         OutRows<float>(z.row(begin), n * p.s.out_pixels(), p.s.filters), product);
  });
}

/// z = w^T * dz.
void spread(Problem const& p, InRows<float> dz, In<float> weight, OutRows<float> z) {
  p.in_chunks([&](int begin, int n) {
    if (cudnn::backward_data(p.exec, p.convolution(n), dz.row(begin), weight.data, z.row(begin),
                             p.calls))
      return;
    gemm(p.exec, InRows<float>(dz.row(begin), n * p.s.out_pixels(), p.s.filters), p.filters(weight),
         OutRows<float>(p.columns, n * p.s.out_pixels(), p.s.patch()), p.product());
    fold_columns(p.exec, p.s, p.columns, n, z.row(begin));
  });
}

/// dweight = sum over pixels of dz times the patch, chunk after chunk.
void correlate(Problem const& p, ConvInput const& x, InRows<float> dz, Out<float> dweight) {
  p.in_chunks([&](int begin, int n) {
    float const* const images = p.read(x, begin, n);
    Result const result = begin == 0 ? Result::overwrite : Result::add;
    if (cudnn::backward_weights(p.exec, p.convolution(n), images, dz.row(begin), dweight.data,
                                result, p.calls))
      return;
    gather_columns(p.exec, p.s, images, n, p.columns);
    GemmOptions product = p.product();
    product.a = Transpose::yes;
    product.result = result;
    gemm(p.exec, InRows<float>(dz.row(begin), n * p.s.out_pixels(), p.s.filters), p.patches(n),
         OutRows<float>(dweight.data, p.s.filters, p.s.patch()), product);
  });
}

/// What follows the products of a forward pass.
void finish(Problem const& p, OutRows<float> z, int channels, In<float> bias, OutRows<float> y,
            Activation activation) {
  if (bias.size == 0 && activation == Activation::identity && z.data == y.data) return;
  add_bias_and_activate(p.exec, activation, z.data, bias.size == 0 ? nullptr : bias.data,
                        p.rows * (z.cols / channels), channels, z.data == y.data ? nullptr : z.data,
                        y.data);
}

/// What precedes the products of a backward pass, and the bias's gradient.
void begin_backward(Problem const& p, Activation activation, InRows<float> kept, InRows<float> dy,
                    OutRows<float> dz, int channels, Out<float> dbias) {
  apply_activation_gradient(p.exec, activation, kept, dy, dz);
  if (dbias.size > 0) column_sum(p.exec, conv_checks::as_pixels(dz, channels), dbias, p.calls);
}

}  // namespace

std::size_t conv_workspace(Gpu exec, ConvShape const& shape, int rows) {
  shape.check("conv_workspace");
  std::size_t most = 0, library = 0;
  for (int n = 1; n <= rows; ++n) most = std::max(most, Space(exec, shape, n).total());
  for (Precision const precision : {Precision::fp32, Precision::tf32})
    library = std::max(library, cudnn::workspace(exec, {shape, chunk_of(shape, rows), precision}));
  return most + library;
}

void conv(Gpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight, In<float> bias,
          OutRows<float> y, OutRows<float> input, ConvOptions const& options) {
  conv_checks::forward("conv", shape, x, shape.inputs(), weight, bias, shape.filters, y, input,
                       shape.outputs());
  if (x.rows() == 0) return;
  Problem const p(exec, shape, x.rows(), options);
  OutRows<float> const z = input.data != nullptr ? input : y;
  filter(p, x, weight, z);
  finish(p, z, shape.filters, bias, y, options.activation);
}

void conv_backward(Gpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight,
                   InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                   ConvGradients const& gradients, ConvOptions const& options) {
  conv_checks::backward("conv_backward", shape, x, shape.inputs(), weight, dy, dz, shape.outputs(),
                        shape.filters, gradients);
  if (x.rows() == 0) return;
  Problem const p(exec, shape, x.rows(), options);
  begin_backward(p, options.activation, kept, dy, dz, shape.filters, gradients.dbias);
  if (gradients.dx.data != nullptr) spread(p, dz, weight, gradients.dx);
  if (gradients.dweight.size > 0) correlate(p, x, dz, gradients.dweight);
}

void conv_transposed(Gpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                     In<float> bias, OutRows<float> y, OutRows<float> input,
                     ConvOptions const& options) {
  conv_checks::forward("conv_transposed", shape, x, shape.outputs(), weight, bias, shape.channels,
                       y, input, shape.inputs());
  if (x.rows == 0) return;
  Problem const p(exec, shape, x.rows, options);
  OutRows<float> const z = input.data != nullptr ? input : y;
  spread(p, x, weight, z);
  finish(p, z, shape.channels, bias, y, options.activation);
}

void conv_transposed_backward(Gpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                              InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                              ConvGradients const& gradients, ConvOptions const& options) {
  conv_checks::backward("conv_transposed_backward", shape, x, shape.outputs(), weight, dy, dz,
                        shape.inputs(), shape.channels, gradients);
  if (x.rows == 0) return;
  Problem const p(exec, shape, x.rows, options);
  begin_backward(p, options.activation, kept, dy, dz, shape.channels, gradients.dbias);
  if (gradients.dx.data != nullptr) filter(p, dz, weight, gradients.dx);
  if (gradients.dweight.size > 0) correlate(p, dz, x, gradients.dweight);
}

}  // namespace loom
