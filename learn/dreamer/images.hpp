#pragma once
// Pictures: convolutions that make tokens of them, transposed ones that draw them again.
#include <kernels/linalg/conv.hpp>
#include <kernels/nn/pool.hpp>
#include <learn/core/layer.hpp>

namespace loom {

/// activation(norm(w * x + b)), w * x a convolution or a transposed one; the norm, root mean square with
/// a gain, is of the channels of every pixel.
struct ImageLayerShape {
  /// halve: of the convolution's result the largest of every 2 x 2 pixels; twice: of its input every pixel as 2 x 2.
  enum class Resize { none, halve, twice };
  ConvShape conv;
  bool transposed = false, norm = false;
  Activation activation = Activation::identity;
  Resize resize = Resize::none;

  int inputs() const {
    return transposed ? conv.outputs() : conv.inputs() / (resize == Resize::twice ? 4 : 1);
  }
  int outputs() const {
    return transposed ? conv.inputs() : conv.outputs() / (resize == Resize::halve ? 4 : 1);
  }
  int channels() const { return transposed ? conv.channels : conv.filters; }
  /// Of the resizing.
  PoolShape pool() const {
    return resize == Resize::halve ? PoolShape{conv.out_height(), conv.out_width(), conv.filters}
                                   : PoolShape{conv.height, conv.width, conv.channels};
  }
};

/// Four convolutions from a square picture of three colours to tokens, and four back from a dense layer.
///
/// pooled   padded; the largest of 2 x 2 pixels stay; depth times 2, 3, 4, 4 channels. Back: pixels doubled
///          before every convolution.
/// strided  the same with stride 2 instead, and transposed ones back: a quarter of the work.
/// valid    stride 2, not padded; depth times 1, 2, 4, 8 channels; transposed ones back from one pixel of 32
///          depth channels with windows of 5, 5, 6 and 6 to 64 x 64.
/// Source   pooled: Hafner et al. 2023 (version 3); valid: Hafner et al. 2020, 2021 (versions 1 and 2).
struct ImageShape {
  enum class Kind { pooled, strided, valid };
  Kind kind = Kind::pooled;
  int size = 64;    ///< pixels a side
  int depth = 4;    ///< channels are multiples of it
  int kernel = 5;   ///< side of the windows
  int feature = 1;  ///< numbers that pictures are drawn from
  bool norm = true;
  Activation activation = Activation::silu;

  int pixels() const { return size * size * 3; }
  int tokens() const { return encoder().back().outputs(); }
  std::vector<ImageLayerShape> encoder() const;
  /// Before the transposed convolutions.
  LayerShape dense() const;
  std::vector<ImageLayerShape> decoder() const;
  /// Throws ConfigError for pictures that do not fit.
  void check() const;
};

/// `name`.0.weight (filters, kernel, kernel, channels), .bias and, with a norm, .gain, of the encoder;
/// the decoder's first is dense.
std::vector<ParameterShape> image_encoder_parameters(std::string const& name,
                                                     ImageShape const& shape);
std::vector<ParameterShape> image_decoder_parameters(std::string const& name,
                                                     ImageShape const& shape);
/// Weights as initial_layer's by the numbers that one output sums over.
void initialise_image_encoder(Exec const& exec, ImageShape const& shape, std::uint64_t seed,
                              std::uint32_t stream, Parameters& parameters,
                              std::string const& name);
void initialise_image_decoder(Exec const& exec, ImageShape const& shape, std::uint64_t seed,
                              std::uint32_t stream, Parameters& parameters,
                              std::string const& name);

/// Such layers one after the other, at work on `rows` pictures. All memory is taken by the constructor;
/// everything else can be captured in a graph.
class ImageStack {
 public:
  /// Layers are `name`.`first` and so on. Without `trains` only forward() may be called.
  ImageStack(Exec const& exec, std::vector<ImageLayerShape> const& shapes, int rows,
             Parameters& parameters, std::string const& name, int first, bool trains = true);

  /// Returns the last layer's output, valid until the next call.
  InRows<float> forward(Exec const& exec, ConvInput const& x);
  /// After forward(x): overwrites the parameters' gradient and dx, unless it is empty, by those of sum(y dy);
  /// dy is used up.
  void backward(Exec const& exec, ConvInput const& x, OutRows<float> dy, OutRows<float> dx = {});
  OutRows<float> output() { return layers_.back().y(); }

 private:
  struct Part {
    Part(ImageLayerShape const& shape_, int rows_) : shape(shape_), rows(rows_) {}

    ImageLayerShape shape;
    int rows;
    Out<float> weight, bias, gain, dweight, dbias, dgain;
    Buffer<float> sums, statistics, inner, output, slope;  // slope: of the output
    Buffer<float> wide, dwide;                             // the larger of what is resized

    OutRows<float> matrix(Buffer<float>& b) const { return {b.data(), rows, shape.outputs()}; }
    OutRows<float> matrix_wide(Buffer<float>& b) const {
      return {b.data(), rows, shape.pool().larger()};
    }
    OutRows<float> pixels(OutRows<float> x) const;
    OutRows<float> y() { return matrix(output); }
    /// The convolution does all there is.
    bool plain() const { return !shape.norm && shape.resize != ImageLayerShape::Resize::halve; }
  };
  void forward(Exec const& exec, Part& part, ConvInput const& x);
  void backward(Exec const& exec, Part& part, ConvInput const& x, OutRows<float> dy,
                OutRows<float> dx);

  std::vector<Part> layers_;
  Buffer<std::uint8_t> workspace_;
};

/// The dense layer and the transposed convolutions behind it.
class ImageDecoder {
 public:
  ImageDecoder(Exec const& exec, ImageShape const& shape, int rows, Parameters& parameters,
               std::string const& name, bool trains = true);

  InRows<float> forward(Exec const& exec, InRows<float> feature);
  /// After forward(feature): += dfeature, else as ImageStack.
  void backward(Exec const& exec, InRows<float> feature, OutRows<float> dy,
                OutRows<float> dfeature);
  OutRows<float> output() { return stack_.output(); }

 private:
  int rows_;
  Layer dense_;
  ImageStack stack_;
  Buffer<float> seed_, dseed_;  // what the convolutions begin with
};

}  // namespace loom
