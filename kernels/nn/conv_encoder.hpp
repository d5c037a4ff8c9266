#pragma once
// Images to features: convolutions one after another, then dense layers.
#include <kernels/core/buffer.hpp>
#include <kernels/linalg/conv.hpp>
#include <vector>

namespace loom {

/// A convolution by what the image before it leaves open.
struct ConvLayer {
  int filters = 0, kernel = 1, stride = 1, padding = 0;
};

/// Parameters are one flat float array: per convolution its weights (O, kh, kw, I) and biases, then
/// per dense layer W[out][in] and biases; the first dense layer reads [height][width][channels].
struct ConvEncoderShape {
  int height = 0, width = 0, channels = 0;
  std::vector<ConvLayer> layers;
  std::vector<int> dense;                    ///< outputs of each dense layer
  Activation activation = Activation::relu;  ///< after every layer

  int depth() const { return static_cast<int>(layers.size() + dense.size()); }
  int inputs() const { return height * width * channels; }
  int outputs() const;
  /// The shape of convolution `layer`.
  ConvShape conv(int layer) const;
  /// Elements that layer `layer`, convolution or dense, reads and writes.
  int layer_inputs(int layer) const;
  int layer_outputs(int layer) const;
  int layer_weights(int layer) const;
  /// Biases of a layer: one a filter or output.
  int layer_biases(int layer) const;
  int parameters() const;
  /// Throws ShapeError unless there is a layer and all of them fit.
  void check(char const* who) const;
};

/// Bytes of workspace of conv_encoder for batches up to `rows` images.
std::size_t conv_encoder_workspace(Exec const& exec, ConvEncoderShape const& shape, int rows);

/// y = encoder(x), keeping nothing for a backward pass; GradientTape::encoder does.
///
/// Shapes   x: (B, inputs), floats or bytes; parameters: (shape.parameters()); y: (B, outputs).
/// Errors   ShapeError if the sizes do not fit or the workspace is too small.
/// Bits     those of conv and dense, whatever the batch is divided into.
void conv_encoder(Exec const& exec, ConvEncoderShape const& shape, ConvInput const& x,
                  In<float> parameters, OutRows<float> y, Out<std::uint8_t> workspace);

}  // namespace loom
