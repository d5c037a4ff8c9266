#include <algorithm>
#include <kernels/linalg/checks.hpp>
#include <kernels/nn/conv_encoder.hpp>
#include <kernels/nn/dense.hpp>

namespace loom {
namespace {

std::size_t rounded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

int widest(ConvEncoderShape const& s) {
  int most = 1;
  for (int l = 0; l < s.depth(); ++l) most = std::max(most, s.layer_outputs(l));
  return most;
}

/// Images that pass all layers together: two of their widest results are 64 MB.
int chunk_of(ConvEncoderShape const& s, int rows) {
  return std::clamp((1 << 23) / widest(s), 1, std::max(1, rows));
}

/// Bytes of one of the two buffers between which the layers alternate.
std::size_t side_bytes(ConvEncoderShape const& s, int rows) {
  return rounded(static_cast<std::size_t>(chunk_of(s, rows)) * static_cast<std::size_t>(widest(s)) *
                 sizeof(float));
}

ConvInput images(ConvInput const& x, int begin, int n) {
  if (x.bytes.data == nullptr)
    return InRows<float>(x.floats.row(begin), n, x.floats.cols, x.floats.stride);
  return {InRows<std::uint8_t>(x.bytes.row(begin), n, x.bytes.cols, x.bytes.stride), x.offset};
}

}  // namespace

ConvShape ConvEncoderShape::conv(int layer) const {
  ConvShape s{height, width, channels, 0, 1, 1, 0};
  for (int l = 0; l <= layer; ++l) {
    ConvLayer const& next = layers[static_cast<std::size_t>(l)];
    if (l > 0) s = {s.out_height(), s.out_width(), s.filters, 0, 1, 1, 0};
    s.filters = next.filters, s.kernel = next.kernel, s.stride = next.stride,
    s.padding = next.padding;
  }
  return s;
}

int ConvEncoderShape::layer_inputs(int layer) const {
  return layer == 0 ? inputs() : layer_outputs(layer - 1);
}

int ConvEncoderShape::layer_outputs(int layer) const {
  int const convolutions = static_cast<int>(layers.size());
  return layer < convolutions ? conv(layer).outputs()
                              : dense[static_cast<std::size_t>(layer - convolutions)];
}

int ConvEncoderShape::layer_weights(int layer) const {
  return layer < static_cast<int>(layers.size()) ? conv(layer).weights()
                                                 : layer_inputs(layer) * layer_outputs(layer);
}

int ConvEncoderShape::layer_biases(int layer) const {
  return layer < static_cast<int>(layers.size()) ? layers[static_cast<std::size_t>(layer)].filters
                                                 : layer_outputs(layer);
}

int ConvEncoderShape::outputs() const { return layer_outputs(depth() - 1); }

int ConvEncoderShape::parameters() const {
  int n = 0;
  for (int l = 0; l < depth(); ++l) n += layer_weights(l) + layer_biases(l);
  return n;
}

void ConvEncoderShape::check(char const* who) const {
  require(depth() > 0, who, ": an encoder without layers (needs one)");
  for (int l = 0; l < static_cast<int>(layers.size()); ++l) conv(l).check(who);
  for (int const n : dense)
    require(n > 0, who, ": a dense layer of ", n, " outputs (needs 1 or more)");
}

std::size_t conv_encoder_workspace(Exec const& exec, ConvEncoderShape const& shape, int rows) {
  shape.check("conv_encoder_workspace");
  int const chunk = chunk_of(shape, rows);
  std::size_t calls = 0;
  visit(exec, [&](auto e) {
    for (int l = 0; l < shape.depth(); ++l)
      calls = std::max(calls, l < static_cast<int>(shape.layers.size())
                                  ? conv_workspace(e, shape.conv(l), chunk)
                                  : dense_workspace(e, chunk, shape.layer_outputs(l)));
  });
  return 2 * side_bytes(shape, rows) + calls;
}

void conv_encoder(Exec const& exec, ConvEncoderShape const& shape, ConvInput const& x,
                  In<float> parameters, OutRows<float> y, Out<std::uint8_t> workspace) {
  shape.check("conv_encoder");
  checks::same("conv_encoder", static_cast<std::size_t>(shape.parameters()), "parameters",
               parameters.size);
  require(x.cols() == shape.inputs() && y.cols == shape.outputs() && y.rows == x.rows() &&
              y.stride == y.cols,
          "conv_encoder: x is ", x.rows(), " x ", x.cols(), ", y ", y.rows, " x ", y.cols,
          " (needs ", shape.inputs(), " and ", shape.outputs(), " columns, no gaps)");
  std::size_t const side = side_bytes(shape, x.rows());
  checks::workspace("conv_encoder", workspace, 2 * side);
  Out<std::uint8_t> const calls = workspace.slice(2 * side, workspace.size - 2 * side);
  int const chunk = chunk_of(shape, x.rows()), last = shape.depth() - 1;
  for (int begin = 0; begin < x.rows(); begin += chunk) {
    int const n = std::min(chunk, x.rows() - begin);
    ConvInput from = images(x, begin, n);
    std::size_t at = 0;
    for (int l = 0; l <= last; ++l) {
      auto const weights = static_cast<std::size_t>(shape.layer_weights(l)),
                 biases = static_cast<std::size_t>(shape.layer_biases(l));
      In<float> const weight = parameters.slice(at, weights),
                      bias = parameters.slice(at + weights, biases);
      at += weights + biases;
      auto* const between = reinterpret_cast<float*>(workspace.data + (l % 2 == 0 ? 0 : side));
      OutRows<float> const to(l == last ? y.row(begin) : between, n, shape.layer_outputs(l));
      visit(exec, [&](auto e) {
        if (l < static_cast<int>(shape.layers.size())) {
          loom::conv(e, shape.conv(l), from, weight, bias, to, {},
                     {.activation = shape.activation, .workspace = calls});
        } else {
          require(from.bytes.data == nullptr,
                  "conv_encoder: a dense layer cannot read bytes (needs a convolution first)");
          loom::dense(e, from.floats,
                      InRows<float>(weight.data, shape.layer_outputs(l), shape.layer_inputs(l)),
                      bias, to, {}, {.activation = shape.activation, .workspace = calls});
        }
      });
      from = to;
    }
  }
}

}  // namespace loom
