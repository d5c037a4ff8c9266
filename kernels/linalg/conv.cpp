#include <kernels/core/launch.hpp>
#include <kernels/core/pack_transpose.hpp>
#include <kernels/linalg/checks.hpp>
#include <kernels/linalg/conv_checks.hpp>
#include <kernels/linalg/conv_plan.hpp>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/dense_body.hpp>

namespace loom {
namespace {

using namespace conv_cpu;
using gemm_cpu::pack_panel;
using gemm_cpu::Strided;

constexpr int kDepth = 512;  // elements of a patch whose panel is streamed from the L2 at a time
constexpr double kParallel =
    1 << 18;  // products below which a second thread costs more than it brings

/// `exec`, or its calling thread alone where more would not pay.
Cpu exec_for(Cpu exec, ConvShape const& s, int rows) {
  double const products = static_cast<double>(rows) * s.out_pixels() * s.weights();
  return products < kParallel ? Cpu{nullptr, exec.lanes} : exec;
}

/// One call: the shape, its plan and the plan's memory.
struct Problem {
  Cpu exec;  // of as many threads as the plan has scratch for
  ConvShape s;
  int rows;
  Plan plan;
  float* memory;

  Problem(Cpu exec_, ConvShape const& shape, int rows_, ConvOptions const& options)
      : exec(exec_for(exec_, shape, rows_)),
        s(shape),
        rows(rows_),
        plan(shape, rows_, num_threads(exec)),
        memory(reinterpret_cast<float*>(options.workspace.data)) {
    checks::workspace("conv", options.workspace, plan.floats * sizeof(float));
  }

  float* packed() const { return memory + plan.packed; }
  float* bias() const { return memory + plan.bias; }
  int* offsets() const { return reinterpret_cast<int*>(memory + plan.offsets); }
  /// Task t runs on thread t % threads.
  float* scratch(int task) const {
    return memory + plan.scratch +
           plan.scratch_each * static_cast<std::size_t>(task % plan.threads);
  }
  /// f(task, first image, last image) over groups of images.
  template <class F>
  void in_groups(int group, F const& f) const {
    int const groups = (rows + group - 1) / group, tasks = std::min(plan.threads, groups);
    parallel(exec, tasks, [&](int task) {
      for (int g = groups * task / tasks; g < groups * (task + 1) / tasks; ++g)
        f(task, g * group, std::min(rows, (g + 1) * group));
    });
  }
};

/// offsets()[pixel] of the patches of `images` images that lie one after another.
void fill_offsets(Problem const& p, int images) {
  int* to = p.offsets();
  for (int n = 0; n < images; ++n)
    for (int y = 0; y < p.s.out_height(); ++y)
      for (int x = 0; x < p.s.out_width(); ++x)
        *to++ =
            n * p.plan.image + y * p.s.stride * p.plan.row_pitch + x * p.s.stride * p.s.channels;
}

/// Images [begin, end) with their padding, in place where there is none.
float const* padded_images(Problem const& p, ConvInput const& x, int begin, int end,
                           float* scratch) {
  if (x.bytes.data == nullptr && p.s.padding == 0) {
    float const* const images = x.floats.row(begin);
    // Tiles skip rows, which no hardware prefetcher follows: 1.2 times for 64 x 64 x 3, kernel 8.
    for (int i = 0; i < (end - begin) * p.plan.image; i += 16) __builtin_prefetch(images + i);
    return images;
  }
  int const line = p.s.width * p.s.channels, edge = p.s.padding * p.s.channels;
  if (p.s.padding > 0)
    std::fill_n(scratch, static_cast<std::ptrdiff_t>(end - begin) * p.plan.image, 0.F);
  for (int n = begin; n < end; ++n)
    for (int y = 0; y < p.s.height; ++y) {
      float* const to =
          scratch + (n - begin) * p.plan.image + (y + p.s.padding) * p.plan.row_pitch + edge;
      if (x.bytes.data == nullptr) {
        std::copy_n(x.floats.row(n) + y * line, line, to);
      } else {
        std::uint8_t const* const from = x.bytes.row(n) + y * line;
        for (int i = 0; i < line; ++i) to[i] = from_byte(from[i], x.offset);
      }
    }
  return scratch;
}

/// y = activation(z) over n elements; y may be z.
void activate_all(Activation kind, float const* z, float* y, int n) {
  if (kind == Activation::identity && z == y) return;
  ApplyActivation const op{kind, InRows<float>(z, 1, n), OutRows<float>(y, 1, n)};
  int i = 0;
  for (; i + kPackWidth <= n; i += kPackWidth) op(0, Lane<Wide>{i});
  for (; i < n; ++i) op(0, Lane<float>{i});
}

/// to[row][0, cols) = from[row][0, cols).
void copy_columns(float const* from, int from_stride, float* to, int to_stride, int rows,
                  int cols) {
  for (int r = 0; r < rows; ++r, from += from_stride, to += to_stride) std::copy_n(from, cols, to);
}

// ---- forward ----

/// The weights as [panel][patch][width]: what pixel tiles walk through.
void pack_filters(Problem const& p, In<float> weight) {
  int const patch = p.s.patch(), panels = (p.s.filters + kPanel - 1) / kPanel;
  int const tasks = std::min(p.plan.threads, panels);
  parallel(p.exec, tasks, [&](int task) {
    for (int panel = task; panel < panels; panel += tasks)
      pack_panel(
          Strided{weight.data + static_cast<std::ptrdiff_t>(panel) * kPanel * patch, 1, patch},
          patch, std::min(kPanel, p.s.filters - panel * kPanel),
          p.packed() + static_cast<std::ptrdiff_t>(panel) * kPanel * patch);
  });
}

/// c[pixel][filter] = bias + the patches' products, for `rows` pixels; c has whole packs.
void filter_pixels(Problem const& p, float const* x, int rows, float* c) {
  int const patch = p.s.patch(), width = p.plan.filters_padded;
  int const runs_a_block = std::max(1, kDepth / p.plan.length);
  for (int n0 = 0; n0 < width; n0 += kPanel) {
    int const packs = std::min(kPanel, width - n0) / kPackWidth;
    float const* const panel = p.packed() + static_cast<std::ptrdiff_t>(n0) * patch;
    auto const& tiles = pixel_tiles_of(packs);
    for (int run = 0; run < p.plan.runs; run += runs_a_block) {
      bool const first = run == 0;
      in_blocks(rows, rows_a_tile(packs), [&](int row, int count) {
        float* const to = c + static_cast<std::ptrdiff_t>(row) * width + n0;
        tiles[static_cast<std::size_t>(count - 1)](
            {x + run * p.plan.row_pitch, p.offsets() + row,
             std::min(runs_a_block, p.plan.runs - run), p.plan.length, p.plan.row_pitch,
             panel + static_cast<std::ptrdiff_t>(run) * p.plan.length * packs * kPackWidth,
             first ? p.bias() + n0 : to, first ? 0 : width, to, width});
      });
    }
  }
}

/// z = w * x + bias, y = activation(z).
void filter(Problem const& p, ConvInput const& x, In<float> weight, In<float> bias,
            OutRows<float> y, OutRows<float> input, Activation activation) {
  pack_filters(p, weight);
  fill_offsets(p, p.plan.forward_group);
  std::fill_n(p.bias(), p.plan.filters_padded, 0.F);
  std::copy_n(bias.data, bias.size, p.bias());
  bool const whole = p.plan.filters_padded == p.s.filters;
  OutRows<float> const z = input.data != nullptr ? input : y;
  p.in_groups(p.plan.forward_group, [&](int task, int begin, int end) {
    float* const images = p.scratch(task);
    float* const side = images + p.plan.forward_group * p.plan.image;
    int const rows = (end - begin) * p.plan.pixels;
    float const* const from = padded_images(p, x, begin, end, images);
    filter_pixels(p, from, rows, whole ? z.row(begin) : side);
    if (!whole)
      copy_columns(side, p.plan.filters_padded, z.row(begin), p.s.filters, rows, p.s.filters);
    activate_all(activation, z.row(begin), y.row(begin), rows * p.s.filters);
  });
}

// ---- the transpose ----

/// The weights as [panel][filter][width].
void pack_patches(Problem const& p, In<float> weight) {
  int const patch = p.s.patch(), panels = (patch + kPanel - 1) / kPanel;
  int const tasks = std::min(p.plan.threads, panels);
  parallel(p.exec, tasks, [&](int task) {
    for (int panel = task; panel < panels; panel += tasks)
      pack_panel(Strided{weight.data + panel * kPanel, patch, 1}, p.s.filters,
                 std::min(kPanel, patch - panel * kPanel),
                 p.packed() + static_cast<std::ptrdiff_t>(panel) * kPanel * p.s.filters);
  });
}

/// columns[pixel][patch] = dz[pixel] times the weights.
void spread_pixels(Problem const& p, float const* dz, int rows, float* columns) {
  static constexpr float kZeros[kPanel] = {};
  int const width = p.plan.patch_padded, filters = p.s.filters;
  for (int n0 = 0; n0 < width; n0 += kPanel) {
    int const packs = std::min(kPanel, width - n0) / kPackWidth;
    float const* const panel = p.packed() + static_cast<std::ptrdiff_t>(n0) * filters;
    in_blocks(rows, rows_a_tile(packs), [&](int row, int count) {
      gemm_cpu::tile_of(count, packs)(
          filters, Strided{dz + static_cast<std::ptrdiff_t>(row) * filters, filters, 1}, panel,
          packs * kPackWidth, kZeros, 0, columns + static_cast<std::ptrdiff_t>(row) * width + n0,
          width);
    });
  }
}

template <int W>
void add_packs(float const* from, float* to, int& i, int n) {
  constexpr Lane<Pack<float, W>> kFirst{0};
  for (; i + W <= n; i += W) store(to + i, kFirst, load(to + i, kFirst) + load(from + i, kFirst));
}

/// to[i] += from[i].
void add_run(float const* from, float* to, int n) {
  int i = 0;
  if constexpr (kPackWidth > 8) add_packs<kPackWidth>(from, to, i, n);
  add_packs<8>(from, to, i, n);
  add_packs<4>(from, to, i, n);
  for (; i < n; ++i) to[i] += from[i];
}

/// Adds every pixel's column to its window of the image.
void fold_columns(Problem const& p, float const* columns, float* image) {
  auto const& s = p.s;
  for (int oy = 0; oy < s.out_height(); ++oy)
    for (int ox = 0; ox < s.out_width(); ++ox, columns += p.plan.patch_padded) {
      int const x0 = ox * s.stride - s.padding;
      int const left = std::max(0, -x0), right = std::min(s.kernel, s.width - x0);
      for (int ky = 0; ky < s.kernel; ++ky) {
        int const y = oy * s.stride - s.padding + ky;
        if (y < 0 || y >= s.height) continue;
        add_run(columns + (ky * s.kernel + left) * s.channels,
                image + (y * s.width + x0 + left) * s.channels, (right - left) * s.channels);
      }
    }
}

/// z = w^T * dz + bias, y = activation(z).
void spread(Problem const& p, InRows<float> dz, In<float> weight, In<float> bias, OutRows<float> y,
            OutRows<float> input, Activation activation) {
  pack_patches(p, weight);
  OutRows<float> const z = input.data != nullptr ? input : y;
  p.in_groups(p.plan.spread_group, [&](int task, int begin, int end) {
    float* const columns = p.scratch(task);
    spread_pixels(p, dz.row(begin), (end - begin) * p.plan.pixels, columns);
    for (int n = begin; n < end; ++n) {
      float* const image = z.row(n);
      if (bias.size == 0)
        std::fill_n(image, p.s.inputs(), 0.F);
      else
        for (int at = 0; at < p.s.inputs(); at += p.s.channels)
          std::copy_n(bias.data, p.s.channels, image + at);
      fold_columns(
          p, columns + static_cast<std::ptrdiff_t>(n - begin) * p.plan.pixels * p.plan.patch_padded,
          image);
      activate_all(activation, image, y.row(n), p.s.inputs());
    }
  });
}

// ---- the weights' gradient ----

/// to[j] += sum over rows of dz[row][j], four rows at a time.
void add_rows(float const* dz, int rows, int width, float* to) {
  constexpr Lane<Wide> kFirst{0};
  for (int j = 0; j < width; j += kPackWidth) {
    Wide sum[4] = {load(to + j, kFirst), Wide(0.F), Wide(0.F), Wide(0.F)};
    float const* at = dz + j;
    int row = 0;
    for (; row + 4 <= rows; row += 4) LOOM_UNROLL
    for (int i = 0; i < 4; ++i, at += width) sum[i] = sum[i] + load(at, kFirst);
    for (; row < rows; ++row, at += width) sum[0] = sum[0] + load(at, kFirst);
    store(to + j, kFirst, (sum[0] + sum[2]) + (sum[1] + sum[3]));
  }
}

/// Adds the images' products to elements [k0, k1) of the partial gradient, [patch + 1][filters]; its last row
/// is the bias's, which goes with element 0.
void correlate_images(Problem const& p, float const* x, float const* dz, int images, int k0, int k1,
                      float* partial) {
  int const width = p.plan.filters_padded, rows = images * p.plan.pixels;
  for (int n0 = 0; n0 < width; n0 += kPanel) {
    int const packs = std::min(kPanel, width - n0) / kPackWidth;
    auto const& tiles = weight_tiles_of(packs);
    for (int run = 0; run < p.plan.runs; ++run) {
      int const begin = std::max(k0, run * p.plan.length) - run * p.plan.length;
      int const end = std::min(k1, (run + 1) * p.plan.length) - run * p.plan.length;
      in_blocks(std::max(0, end - begin), rows_a_tile(packs), [&](int first, int count) {
        int const at = begin + first;
        tiles[static_cast<std::size_t>(count - 1)](
            {x + run * p.plan.row_pitch + at, p.offsets(), rows, dz + n0, width,
             partial + static_cast<std::ptrdiff_t>(run * p.plan.length + at) * width + n0, width});
      });
    }
  }
  if (k0 == 0)
    add_rows(dz, rows, width, partial + static_cast<std::ptrdiff_t>(p.s.patch()) * width);
}

/// Sums the slabs and turns [patch][filters] into [filters][patch].
void fold_slabs(Problem const& p, Out<float> dweight, Out<float> dbias) {
  constexpr Lane<Wide> kFirst{0};
  int const patch = p.s.patch(), width = p.plan.filters_padded;
  std::ptrdiff_t const slab = static_cast<std::ptrdiff_t>(patch + 1) * width;
  float const* const partial = p.memory + p.plan.partial;
  auto const total = [&](int k, int o) {
    float const* at = partial + static_cast<std::ptrdiff_t>(k) * width + o;
    Wide sum = load(at, kFirst);
    for (int i = 1; i < p.plan.slabs; ++i) sum = sum + load(at += slab, kFirst);
    return sum;
  };
  int const blocks = (patch + kPackWidth - 1) / kPackWidth;
  for_slices(p.exec, dweight.size == 0 ? 0 : blocks * width, kGrain, [&](int begin, int end) {
    for (int unit = (begin + kPackWidth - 1) / kPackWidth; unit * kPackWidth < end; ++unit) {
      int const o0 = unit * kPackWidth % width, k0 = unit * kPackWidth / width * kPackWidth;
      int const rows = std::min(kPackWidth, patch - k0),
                cols = std::min(kPackWidth, p.s.filters - o0);
      Wide block[kPackWidth];
      for (int i = 0; i < kPackWidth; ++i) block[i] = i < rows ? total(k0 + i, o0) : Wide(0.F);
      transpose(block);
      for (int j = 0; j < cols; ++j) {
        float* const to = dweight.data + static_cast<std::ptrdiff_t>(o0 + j) * patch + k0;
        if (rows == kPackWidth)
          store(to, kFirst, block[j]);
        else
          for (int i = 0; i < rows; ++i) to[i] = block[j][i];
      }
    }
  });
  for (int o0 = 0; o0 < static_cast<int>(dbias.size); o0 += kPackWidth) {
    Wide const sum = total(patch, o0);
    for (int j = 0; j < std::min(kPackWidth, p.s.filters - o0); ++j)
      dbias[static_cast<std::size_t>(o0 + j)] = sum[j];
  }
}

/// dweight = sum over pixels of dz times the patch, dbias = sum of dz; either may be empty.
void correlate(Problem const& p, ConvInput const& x, InRows<float> dz, Out<float> dweight,
               Out<float> dbias) {
  if (dweight.size == 0 && dbias.size == 0) return;
  auto const& plan = p.plan;
  int const patch = p.s.patch(), width = plan.filters_padded;
  fill_offsets(p, plan.chunk);
  // More threads than slabs share the elements of a patch.
  int const shares = std::max(1, std::min(patch, plan.threads / plan.slabs));
  parallel(p.exec, plan.slabs * shares, [&](int task) {
    int const slab = task / shares, share = task % shares;
    int const k0 = patch * share / shares, k1 = patch * (share + 1) / shares;
    float* const partial =
        p.memory + plan.partial + static_cast<std::ptrdiff_t>(slab) * (patch + 1) * width;
    std::fill_n(partial + static_cast<std::ptrdiff_t>(k0) * width,
                static_cast<std::ptrdiff_t>(k1 - k0) * width, 0.F);
    if (k0 == 0) std::fill_n(partial + static_cast<std::ptrdiff_t>(patch) * width, width, 0.F);
    float* const images = p.scratch(task);
    float* const side = images + static_cast<std::ptrdiff_t>(plan.chunk) * plan.image;
    auto const edge = [&](int i) {
      return static_cast<int>(static_cast<std::int64_t>(p.rows) * i / plan.slabs);
    };
    for (int begin = edge(slab); begin < edge(slab + 1); begin += plan.chunk) {
      int const end = std::min(begin + plan.chunk, edge(slab + 1));
      float const* opposite = dz.row(begin);
      if (width != p.s.filters) {
        copy_columns(opposite, p.s.filters, side, width, (end - begin) * plan.pixels, p.s.filters);
        opposite = side;
      }
      correlate_images(p, padded_images(p, x, begin, end, images), opposite, end - begin, k0, k1,
                       partial);
    }
  });
  fold_slabs(p, dweight, dbias);
}

}  // namespace

void ConvShape::check(char const* who) const {
  require(height > 0 && width > 0 && channels > 0 && filters > 0 && kernel > 0 && stride > 0, who,
          ": a convolution of ", height, " x ", width, " x ", channels, " to ", filters,
          " filters, kernel ", kernel, ", stride ", stride, " (needs all positive)");
  require(padding >= 0 && padding < kernel, who, ": padding ", padding, " around a kernel of ",
          kernel, " (needs 0 to ", kernel - 1, ")");
  require(kernel <= height + 2 * padding && kernel <= width + 2 * padding, who, ": a kernel of ",
          kernel, " in images of ", height, " x ", width, " padded by ", padding);
  constexpr std::int64_t kMost = 1 << 24;
  std::int64_t const large = std::int64_t{height + 2 * padding} * (width + 2 * padding) * channels,
                     small = std::int64_t{out_height()} * out_width() * filters,
                     window = std::int64_t{kernel} * kernel * channels * filters;
  require(large < kMost && small < kMost && window < kMost, who, ": images of ", large, " and ",
          small, " elements, ", window, " weights (needs fewer than 2^24)");
}

std::size_t conv_workspace(Cpu exec, ConvShape const& shape, int rows) {
  shape.check("conv_workspace");
  // A smaller batch may be divided otherwise and need more.
  std::size_t most = 0;
  for (int n = 1; n <= rows; ++n)
    most = std::max(most, Plan(shape, n, num_threads(exec_for(exec, shape, n))).floats);
  return most * sizeof(float);
}

void conv(Cpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight, In<float> bias,
          OutRows<float> y, OutRows<float> input, ConvOptions const& options) {
  conv_checks::forward("conv", shape, x, shape.inputs(), weight, bias, shape.filters, y, input,
                       shape.outputs());
  if (x.rows() == 0) return;
  filter(Problem(exec, shape, x.rows(), options), x, weight, bias, y, input, options.activation);
}

void conv_backward(Cpu exec, ConvShape const& shape, ConvInput const& x, In<float> weight,
                   InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                   ConvGradients const& gradients, ConvOptions const& options) {
  conv_checks::backward("conv_backward", shape, x, shape.inputs(), weight, dy, dz, shape.outputs(),
                        shape.filters, gradients);
  if (x.rows() == 0) return;
  Problem const p(exec, shape, x.rows(), options);
  apply_activation_gradient(exec, options.activation, kept, dy, dz);
  if (gradients.dx.data != nullptr)
    spread(p, dz, weight, {}, gradients.dx, {}, Activation::identity);
  correlate(p, x, dz, gradients.dweight, gradients.dbias);
}

void conv_transposed(Cpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                     In<float> bias, OutRows<float> y, OutRows<float> input,
                     ConvOptions const& options) {
  conv_checks::forward("conv_transposed", shape, x, shape.outputs(), weight, bias, shape.channels,
                       y, input, shape.inputs());
  if (x.rows == 0) return;
  spread(Problem(exec, shape, x.rows, options), x, weight, bias, y, input, options.activation);
}

void conv_transposed_backward(Cpu exec, ConvShape const& shape, InRows<float> x, In<float> weight,
                              InRows<float> kept, InRows<float> dy, OutRows<float> dz,
                              ConvGradients const& gradients, ConvOptions const& options) {
  conv_checks::backward("conv_transposed_backward", shape, x, shape.outputs(), weight, dy, dz,
                        shape.inputs(), shape.channels, gradients);
  if (x.rows == 0) return;
  Problem const p(exec, shape, x.rows, options);
  apply_activation_gradient(exec, options.activation, kept, dy, dz);
  if (gradients.dx.data != nullptr)
    filter(p, dz, weight, {}, gradients.dx, {}, Activation::identity);
  correlate(p, dz, x, gradients.dweight, {});
  if (gradients.dbias.size > 0)
    column_sum(exec, conv_checks::as_pixels(dz, shape.channels), gradients.dbias,
               {reinterpret_cast<std::uint8_t*>(p.memory + p.plan.columns),
                options.workspace.size - p.plan.columns * sizeof(float)});
}

}  // namespace loom
