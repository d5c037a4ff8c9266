// The elementwise half of a device's convolutions. cuDNN does not need the columns; what it has no
// word for in NHWC (silu's input, bytes) it needs as well. Only a device has these: the CPU's tiles
// read windows in place.
#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/linalg/conv_checks.hpp>
#include <kernels/linalg/conv_columns_cuda.hpp>
#include <kernels/nn/activation_body.hpp>

namespace loom::conv_gpu {
namespace {

/// The sizes that bodies compute with.
struct Window {
  int height, width, channels, kernel, stride, padding, out_height, out_width;

  explicit Window(ConvShape const& s)
      : height(s.height),
        width(s.width),
        channels(s.channels),
        kernel(s.kernel),
        stride(s.stride),
        padding(s.padding),
        out_height(s.out_height()),
        out_width(s.out_width()) {}
};

/// One column a row, elements side by side.
struct GatherColumns {
  Window w;
  float const* x;
  float* columns;

  HD void operator()(int row, int col) const {
    int const ox = row % w.out_width, oy = row / w.out_width % w.out_height;
    int const image = row / (w.out_width * w.out_height);
    int const c = col % w.channels, kx = col / w.channels % w.kernel,
              ky = col / (w.channels * w.kernel);
    int const ix = ox * w.stride - w.padding + kx, iy = oy * w.stride - w.padding + ky;
    bool const inside = ix >= 0 && ix < w.width && iy >= 0 && iy < w.height;
    std::ptrdiff_t const at =
        ((static_cast<std::ptrdiff_t>(image) * w.height + iy) * w.width + ix) * w.channels + c;
    columns[static_cast<std::ptrdiff_t>(row) * (w.kernel * w.kernel * w.channels) + col] =
        inside ? x[at] : 0.F;
  }
};

/// One pixel of x a row, its channels side by side. Gathers, so no atomics and one order.
struct FoldColumns {
  Window w;
  float const* columns;
  float* x;

  HD void operator()(int row, int col) const {
    int const ix = row % w.width, iy = row / w.width % w.height;
    int const image = row / (w.width * w.height);
    float sum = 0.F;
    // Taps at which a window's corner falls on a whole stride.
    int const first_y = (iy + w.padding) % w.stride, first_x = (ix + w.padding) % w.stride;
    LOOM_NO_UNROLL
    for (int ky = first_y; ky < w.kernel; ky += w.stride) {
      int const oy = (iy + w.padding - ky) / w.stride;
      if (iy + w.padding < ky || oy >= w.out_height) continue;
      LOOM_NO_UNROLL
      for (int kx = first_x; kx < w.kernel; kx += w.stride) {
        int const ox = (ix + w.padding - kx) / w.stride;
        if (ix + w.padding < kx || ox >= w.out_width) continue;
        std::ptrdiff_t const column =
            (static_cast<std::ptrdiff_t>(image) * w.out_height + oy) * w.out_width + ox;
        sum += columns[((column * w.kernel + ky) * w.kernel + kx) * w.channels + col];
      }
    }
    x[static_cast<std::ptrdiff_t>(row) * w.channels + col] = sum;
  }
};

struct ReadBytes {
  std::uint8_t const* bytes;
  int elements;
  float offset;
  float* x;

  HD void operator()(int row, int col) const {
    std::ptrdiff_t const at = static_cast<std::ptrdiff_t>(row) * elements + col;
    x[at] = from_byte(bytes[at], offset);
  }
};

struct AddBiasAndActivate {
  Activation kind;
  float const* z;
  float const* bias;
  int channels;
  float* input;
  float* y;

  HD void operator()(int row, int col) const {
    std::ptrdiff_t const at = static_cast<std::ptrdiff_t>(row) * channels + col;
    float const v = bias == nullptr ? z[at] : z[at] + bias[col];
    if (input != nullptr) input[at] = v;
    y[at] = activate(kind, v);
  }
};

}  // namespace

void gather_columns(Gpu exec, ConvShape const& s, float const* x, int images, float* columns) {
  launch_rows(exec, images * s.out_pixels(), s.patch(), GatherColumns{Window(s), x, columns});
}

void fold_columns(Gpu exec, ConvShape const& s, float const* columns, int images, float* x) {
  launch_rows(exec, images * s.height * s.width, s.channels, FoldColumns{Window(s), columns, x});
}

void read_bytes(Gpu exec, std::uint8_t const* bytes, int images, int elements, float offset,
                float* x) {
  launch_rows(exec, images, elements, ReadBytes{bytes, elements, offset, x});
}

void add_bias_and_activate(Gpu exec, Activation kind, float const* z, float const* bias, int rows,
                           int channels, float* input, float* y) {
  launch_rows(exec, rows, channels, AddBiasAndActivate{kind, z, bias, channels, input, y});
}

}  // namespace loom::conv_gpu
