#pragma once
// What convolutions check on every machine, and how they read bytes.
#include <kernels/core/error.hpp>
#include <kernels/core/math.hpp>
#include <kernels/linalg/conv.hpp>

namespace loom {

/// byte / 255 + offset.
template <class F = float>
HD F from_byte(std::uint8_t byte, float offset) {
  return math::fma(static_cast<F>(byte), F(1) / F(255), F(offset));
}

}  // namespace loom

namespace loom::conv_checks {

/// (B, pixels * channels) as one row a pixel.
inline InRows<float> as_pixels(InRows<float> x, int channels) {
  return {x.data, x.rows * (x.cols / channels), channels};
}

/// `x` is (rows, cols) without gaps.
inline void matrix(char const* who, char const* what, int found_rows, int found_cols, int stride,
                   int rows, int cols) {
  require(found_rows == rows && found_cols == cols, who, ": ", what, " is ", found_rows, " x ",
          found_cols, " (needs ", rows, " x ", cols, ")");
  require(stride == cols || rows <= 1, who, ": rows of ", what, " lie ", stride, " apart (needs ",
          cols, ": no gaps)");
}
inline void matrix(char const* who, char const* what, InRows<float> x, int rows, int cols) {
  matrix(who, what, x.rows, x.cols, x.stride, rows, cols);
}

inline void weights(char const* who, ConvShape const& s, std::size_t found) {
  require(found == static_cast<std::size_t>(s.weights()), who, ": ", found, " weights (needs ",
          s.weights(), ")");
}

inline void forward(char const* who, ConvShape const& s, ConvInput const& x, int x_cols,
                    In<float> weight, In<float> bias, int bias_size, OutRows<float> y,
                    OutRows<float> input, int y_cols) {
  s.check(who);
  matrix(who, "x", x.rows(), x.cols(), x.stride(), x.rows(), x_cols);
  weights(who, s, weight.size);
  require(bias.size == 0 || bias.size == static_cast<std::size_t>(bias_size), who, ": bias has ",
          bias.size, " elements (needs ", bias_size, " or none)");
  matrix(who, "y", y, x.rows(), y_cols);
  if (input.data != nullptr) matrix(who, "input", input, x.rows(), y_cols);
}

inline void backward(char const* who, ConvShape const& s, ConvInput const& x, int x_cols,
                     In<float> weight, InRows<float> dy, OutRows<float> dz, int y_cols,
                     int bias_size, ConvGradients const& gradients) {
  s.check(who);
  matrix(who, "x", x.rows(), x.cols(), x.stride(), x.rows(), x_cols);
  weights(who, s, weight.size);
  matrix(who, "dy", dy, x.rows(), y_cols);
  matrix(who, "dz", dz, x.rows(), y_cols);
  if (gradients.dx.data != nullptr) matrix(who, "dx", gradients.dx, x.rows(), x_cols);
  if (gradients.dweight.size > 0) weights(who, s, gradients.dweight.size);
  require(gradients.dbias.size == 0 || gradients.dbias.size == static_cast<std::size_t>(bias_size),
          who, ": dbias has ", gradients.dbias.size, " elements (needs ", bias_size, " or none)");
}

}  // namespace loom::conv_checks
