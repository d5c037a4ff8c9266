#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/nn/pool.hpp>
#include <kernels/nn/pool_body.hpp>

namespace loom {
namespace {

using namespace pooling;

void check(char const* who, PoolShape const& s, InRows<float> larger, InRows<float> smaller) {
  require(s.height > 0 && s.width > 0 && s.channels > 0 && s.height % 2 == 0 && s.width % 2 == 0,
          who, ": images of ", s.height, " x ", s.width, " x ", s.channels, " (needs even sides)");
  require(larger.rows == smaller.rows && larger.cols == s.larger() && smaller.cols == s.smaller() &&
              larger.stride == larger.cols && smaller.stride == smaller.cols,
          who, ": ", larger.rows, " x ", larger.cols, " and ", smaller.rows, " x ", smaller.cols,
          " (needs as many rows of ", s.larger(), " and ", s.smaller(), ", no gaps)");
}

/// One call for every pixel of the smaller images and channel.
template <class Body>
void each(Here exec, PoolShape const& s, int images, Body const& body) {
  launch_rows(exec, images * (s.height / 2) * (s.width / 2), s.channels, body);
}

}  // namespace

void max_pool(Here exec, PoolShape const& s, InRows<float> x, OutRows<float> y) {
  check("max_pool", s, x, y);
  each(exec, s, x.rows, MaxPool{Four(s), x.data, y.data});
}

void max_pool_backward(Here exec, PoolShape const& s, InRows<float> x, InRows<float> dy,
                       OutRows<float> dx) {
  check("max_pool_backward", s, x, dy);
  check("max_pool_backward", s, dx, dy);
  each(exec, s, x.rows, MaxPoolBackward{Four(s), x.data, dy.data, dx.data});
}

void double_pixels(Here exec, PoolShape const& s, InRows<float> x, OutRows<float> y) {
  check("double_pixels", s, y, x);
  each(exec, s, x.rows, DoublePixels{Four(s), x.data, y.data});
}

void double_pixels_backward(Here exec, PoolShape const& s, InRows<float> dy, OutRows<float> dx) {
  check("double_pixels_backward", s, dy, dx);
  each(exec, s, dx.rows, DoublePixelsBackward{Four(s), dy.data, dx.data});
}

}  // namespace loom
