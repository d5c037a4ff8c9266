#pragma once
// Convolutions of images and their transposes, with gradients.
//
// Images are NHWC: a batch is a row-major matrix of one image a row, an image [height][width][channels].
// Weights are [filters][kernel][kernel][channels] (O, kh, kw, I), as PyTorch's permuted (0, 2, 3, 1).
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/linalg/gemm.hpp>
#include <kernels/nn/activation.hpp>

namespace loom {

/// A square window that slides over images and is surrounded by `padding` zeros. A transposed
/// convolution has the shape of the convolution whose direction it turns round: it reads
/// outputs() and writes inputs().
struct ConvShape {
  int height = 0, width = 0, channels = 0;  ///< of the larger image
  int filters = 0;                          ///< channels of the smaller image
  int kernel = 1, stride = 1, padding = 0;

  int out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  int out_pixels() const { return out_height() * out_width(); }
  int inputs() const { return height * width * channels; }
  int outputs() const { return out_pixels() * filters; }
  int patch() const { return kernel * kernel * channels; }  ///< elements under the window
  int weights() const { return filters * patch(); }
  /// Throws ShapeError unless every size is positive, 0 <= padding < kernel, the window fits the
  /// padded image and an image has fewer than 2^24 elements.
  void check(char const* who) const;
};

/// A batch of images: floats, or bytes that are read as byte / 255 + offset.
struct ConvInput {
  InRows<float> floats{};
  InRows<std::uint8_t> bytes{};
  float offset = 0.F;

  ConvInput(InRows<float> x) : floats(x) {}
  ConvInput(OutRows<float> x) : floats(x) {}
  ConvInput(InRows<std::uint8_t> x, float offset_ = 0.F) : bytes(x), offset(offset_) {}
  int rows() const { return bytes.data != nullptr ? bytes.rows : floats.rows; }
  int cols() const { return bytes.data != nullptr ? bytes.cols : floats.cols; }
  int stride() const { return bytes.data != nullptr ? bytes.stride : floats.stride; }
};

struct ConvOptions {
  Activation activation = Activation::identity;
  Precision precision = Precision::fp32;
  Out<std::uint8_t> workspace{};  ///< conv_workspace(...) bytes, aligned to 256
};

/// Bytes of workspace that every function below needs for batches up to `rows` images. On a Gpu the
/// first call for a shape and batch, or this one, must not be captured.
std::size_t conv_workspace(Cpu exec, ConvShape const& shape, int rows);
std::size_t conv_workspace(Gpu exec, ConvShape const& shape, int rows);

/// y = activation(w * x + b): y[n][p][o] = b[o] + sum over the window of w[o][..] x[n][.. + stride p].
///
/// Shapes   x: (B, inputs), weight: (weights), bias: (filters) or empty, y: (B, outputs). `input` of
///          the activation: (B, outputs), or data = nullptr where silu's backward pass will not
///          follow. No gaps between rows; nothing overlaps.
/// Errors   ShapeError if the sizes do not fit or the workspace is too small.
/// Bits     equal from run to run; on a Cpu also for any number of threads.
/// Device   cuDNN, opened on first use, its deterministic algorithms pinned; without it (said once
///          on stderr), where it declines a shape or finds an operand not aligned to 16 bytes, patches side by side and gemm. No allocation
///          once a shape has been used, so it may be captured.
/// Source   CPU: register tiles read the window's rows in place, as Goto and van de Geijn's gemm
///          would read a matrix of patches. Against oneDNN 2.6 on the shapes of the benchmark: forward
///          1.0 to 2.4 times as fast, dx 0.7 to 2.4, dweight 0.9 to 2.1.
void conv(Cpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight, In<float> bias,
          OutRows<float> y, OutRows<float> input, ConvOptions const& options);
void conv(Gpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight, In<float> bias,
          OutRows<float> y, OutRows<float> input, ConvOptions const& options);

/// What backward writes. Null or empty members are not computed.
struct ConvGradients {
  OutRows<float> dx{};  ///< as x
  Out<float> dweight{};
  Out<float> dbias{};
};

/// Gradients of sum(y * dy).
///
/// Shapes   as conv; kept: the activation's input for silu, else y (unused for identity); dy, dz: as
///          y. dz gets dy times the derivative and may be dy's memory.
void conv_backward(Cpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight,
                   InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                   ConvGradients const& gradients, ConvOptions const& options);
void conv_backward(Gpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight,
                   InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                   ConvGradients const& gradients, ConvOptions const& options);

/// y = activation(w^T * x + b), the transposed convolution: every element of x adds its multiple of
/// the window to y. `weight` as for conv, so PyTorch's (I, O, kh, kw) permuted (0, 2, 3, 1).
///
/// Shapes   x: (B, outputs), bias: (channels) or empty, y and input: (B, inputs); else as conv.
void conv_transposed(Cpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                     In<float> bias, OutRows<float> y, OutRows<float> input,
                     ConvOptions const& options);
void conv_transposed(Gpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                     In<float> bias, OutRows<float> y, OutRows<float> input,
                     ConvOptions const& options);

/// Gradients of sum(y * dy); kept, dy, dz: (B, inputs), dx: (B, outputs).
void conv_transposed_backward(Cpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                              InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                              ConvGradients const& gradients, ConvOptions const& options);
void conv_transposed_backward(Gpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                              InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                              ConvGradients const& gradients, ConvOptions const& options);

}  // namespace loom
