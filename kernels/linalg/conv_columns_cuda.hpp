#pragma once
// What a device does around the products of a convolution. Only CUDA builds.
#include <kernels/linalg/conv.hpp>

namespace loom::conv_gpu {

/// columns[image * pixels + pixel] = the pixel's patch, zeros where it lies in the padding.
void gather_columns(Gpu exec, ConvShape const& shape, float const* x, int images, float* columns);

/// Every element of `x` becomes the sum of its places in all columns, in the window's order.
void fold_columns(Gpu exec, ConvShape const& shape, float const* columns, int images, float* x);

/// x[i] = bytes[i] / 255 + offset.
void read_bytes(Gpu exec, std::uint8_t const* bytes, int images, int elements, float offset,
                float* x);

/// input = z + bias, y = activation(input), for rows of one pixel; bias and input may be null, y and
/// input may be z.
void add_bias_and_activate(Gpu exec, Activation kind, float const* z, float const* bias, int rows,
                           int channels, float* input, float* y);

}  // namespace loom::conv_gpu
