#pragma once
#include <kernels/nn/pool.hpp>

namespace loom::pooling {

/// Where the four pixels lie that pixel `row` of all smaller images stands for.
struct Four {
  int height, width, channels;

  explicit Four(PoolShape const& s) : height(s.height), width(s.width), channels(s.channels) {}

  /// The upper left one's; rows of the larger image follow each other.
  HD std::ptrdiff_t first(int row) const {
    int const across = width / 2, line = row / across;
    return (static_cast<std::ptrdiff_t>(line) * 2 * width + (row - line * across) * 2) * channels;
  }
  HD std::ptrdiff_t offset(int k) const { return (k / 2 * width + k % 2) * channels; }
};

struct MaxPool {
  Four four;
  float const* x;
  float* y;

  HD void operator()(int row, int c) const {
    float const* const at = x + four.first(row) + c;
    float most = at[0];
    for (int k = 1; k < 4; ++k) {
      float const v = at[four.offset(k)];
      most = v > most ? v : most;
    }
    y[static_cast<std::ptrdiff_t>(row) * four.channels + c] = most;
  }
};

struct MaxPoolBackward {
  Four four;
  float const* x;
  float const* dy;
  float* dx;

  HD void operator()(int row, int c) const {
    std::ptrdiff_t const first = four.first(row) + c;
    float most = x[first];
    int which = 0;
    for (int k = 1; k < 4; ++k) {
      float const v = x[first + four.offset(k)];
      which = v > most ? k : which;
      most = v > most ? v : most;
    }
    float const d = dy[static_cast<std::ptrdiff_t>(row) * four.channels + c];
    for (int k = 0; k < 4; ++k) dx[first + four.offset(k)] = k == which ? d : 0.F;
  }
};

struct DoublePixels {
  Four four;
  float const* x;
  float* y;

  HD void operator()(int row, int c) const {
    float const v = x[static_cast<std::ptrdiff_t>(row) * four.channels + c];
    float* const at = y + four.first(row) + c;
    for (int k = 0; k < 4; ++k) at[four.offset(k)] = v;
  }
};

struct DoublePixelsBackward {
  Four four;
  float const* dy;
  float* dx;

  HD void operator()(int row, int c) const {
    float const* const at = dy + four.first(row) + c;
    dx[static_cast<std::ptrdiff_t>(row) * four.channels + c] =
        (at[0] + at[four.offset(1)]) + (at[four.offset(2)] + at[four.offset(3)]);
  }
};

}  // namespace loom::pooling
