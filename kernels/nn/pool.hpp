#pragma once
// Images of half the side, and of twice the side.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Images NHWC of even sides; the smaller ones have half of them.
struct PoolShape {
  int height = 0, width = 0, channels = 0;  ///< of the larger image

  int larger() const { return height * width * channels; }
  int smaller() const { return larger() / 4; }
};

/// y = the largest of every 2 x 2 pixels, each channel for itself.
///
/// Shapes   x: (B, larger), y: (B, smaller), no gaps between rows, nothing overlaps.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit or a side is odd.
void max_pool(Cpu exec, PoolShape const& shape, InRows<float> x, OutRows<float> y);
void max_pool(Gpu exec, PoolShape const& shape, InRows<float> x, OutRows<float> y);

/// The gradient of sum(y dy): dy goes to the largest, the first of equal ones. dx: (B, larger).
void max_pool_backward(Cpu exec, PoolShape const& shape, InRows<float> x, InRows<float> dy,
                       OutRows<float> dx);
void max_pool_backward(Gpu exec, PoolShape const& shape, InRows<float> x, InRows<float> dy,
                       OutRows<float> dx);

/// y = every pixel of x four times, as 2 x 2. x: (B, smaller), y: (B, larger); else as max_pool.
void double_pixels(Cpu exec, PoolShape const& shape, InRows<float> x, OutRows<float> y);
void double_pixels(Gpu exec, PoolShape const& shape, InRows<float> x, OutRows<float> y);

/// The gradient of sum(y dy). dy: (B, larger), dx: (B, smaller).
void double_pixels_backward(Cpu exec, PoolShape const& shape, InRows<float> dy, OutRows<float> dx);
void double_pixels_backward(Gpu exec, PoolShape const& shape, InRows<float> dy, OutRows<float> dx);

}  // namespace loom
