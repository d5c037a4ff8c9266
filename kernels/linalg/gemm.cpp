#include <algorithm>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/gemm_pack.hpp>
#include <kernels/linalg/gemm_shape.hpp>
#include <memory>
#include <new>
#include <utility>

namespace loom {
namespace {

using namespace gemm_cpu;

constexpr int kDepth = 512;     // of a panel: 128 KB, streamed from the L2
constexpr int kRowBlock = 240;  // rows of a that stay in the L2 while all panels pass
constexpr int kFewRows =
    96;  // up to here each panel is used too little to be packed by another thread
constexpr int kNarrow = 12;  // fewer columns than this fill no pack: swap the sides
constexpr double kParallel =
    1 << 18;  // products below which a second thread costs more than it brings

struct Problem {
  int m, n, k;
  Strided a, b;  // (m, k), (k, n)
  float* c;
  std::ptrdiff_t c_row, c_col;
  float const* bias;  // null or one a column (a row when swapped)
  bool bias_on_rows;
  bool add;
};

/// c^T = b^T a^T: for products of few columns, whose rows then fill the packs.
Problem swapped(Problem const& p) {
  auto const turned = [](Strided s) { return Strided{s.data, s.col, s.row}; };
  return {p.n, p.m, p.k, turned(p.b), turned(p.a), p.c, p.c_col, p.c_row, p.bias, true, p.add};
}

/// Memory of one thread that grows and stays.
float* scratch(std::size_t n) {
  struct Release {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  thread_local std::unique_ptr<float[], Release> memory;
  thread_local std::size_t size = 0;
  if (n > size) {
    memory.reset();
    memory.reset(static_cast<float*>(::operator new[](n * sizeof(float), std::align_val_t{64})));
    size = n;
  }
  return memory.get();
}

/// Rows and columns of c and the range of products that one call adds.
struct Part {
  int m0, m1, n0, nc, k0, kc;
};

/// A tile at the edge, or one that lies across c, goes through a full tile beside it.
void edge_tile(Problem const& p, Part const& part, int row, int rows, int packs, float const* b,
               std::ptrdiff_t b_stride) {
  float side[kMostRows * kPanel];
  int const width = packs * kPackWidth;
  bool const first = part.k0 == 0;
  for (int i = 0; i < rows; ++i) {
    float* const to = side + i * width;
    float const* const from = p.c + (row + i) * p.c_row + part.n0 * p.c_col;
    if (first && p.bias != nullptr)
      for (int j = 0; j < part.nc; ++j)
        to[j] = p.bias_on_rows ? p.bias[row + i] : p.bias[part.n0 + j];
    else
      std::fill_n(to, part.nc, 0.F);
    if (!first || p.add)
      for (int j = 0; j < part.nc; ++j) to[j] += from[j * p.c_col];
    std::fill_n(to + part.nc, width - part.nc, 0.F);
  }
  tile_of(rows, packs)(part.kc, p.a.at(row, part.k0), b, b_stride, side, width, side, width);
  for (int i = 0; i < rows; ++i) {
    float* const to = p.c + (row + i) * p.c_row + part.n0 * p.c_col;
    for (int j = 0; j < part.nc; ++j) to[j * p.c_col] = side[i * width + j];
  }
}

/// All tiles of one panel; b is (kc x nc), packed or in place.
void panel_product(Problem const& p, Part const& part, float const* b, std::ptrdiff_t b_stride) {
  static constexpr float kZeros[kPanel] = {};
  int const packs = padded(part.nc) / kPackWidth;
  int const most = rows_a_tile(packs);
  int blocks = (part.m1 - part.m0 + most - 1) / most;
  bool const first = part.k0 == 0;
  bool const one_row_starts = p.bias == nullptr || !first || (!p.bias_on_rows && !p.add);
  bool const inside = p.c_col == 1 && part.nc == packs * kPackWidth && one_row_starts;
  for (int row = part.m0; row < part.m1; --blocks) {
    int const rows = (part.m1 - row + blocks - 1) / blocks;  // blocks of nearly equal height
    if (inside) {
      float* const c = p.c + row * p.c_row + part.n0;
      bool const from_c = !first || p.add;
      float const* const start = from_c ? c : p.bias != nullptr ? p.bias + part.n0 : kZeros;
      tile_of(rows, packs)(part.kc, p.a.at(row, part.k0), b, b_stride, start, from_c ? p.c_row : 0,
                           c, p.c_row);
    } else {
      edge_tile(p, part, row, rows, packs, b, b_stride);
    }
    row += rows;
  }
}

int panels_of(Problem const& p) { return (p.n + kPanel - 1) / kPanel; }

int depth_blocks(Problem const& p) { return std::max(1, (p.k + kDepth - 1) / kDepth); }

/// The k0 and kc of block i.
std::pair<int, int> depth_block(Problem const& p, int i) {
  int const k0 = i * kDepth;
  return {k0, std::min(kDepth, p.k - k0)};
}

/// Few rows: a task packs its panel and uses it at once.
void by_panels(Cpu exec, Problem const& p, int threads) {
  int const panels = panels_of(p), tasks = std::min(threads, panels);
  parallel(exec, tasks, [&](int task) {
    float* const packed = scratch(static_cast<std::size_t>(kDepth) * kPanel);
    for (int panel = panels * task / tasks; panel < panels * (task + 1) / tasks; ++panel) {
      int const n0 = panel * kPanel, nc = std::min(kPanel, p.n - n0);
      for (int block = 0; block < depth_blocks(p); ++block) {
        auto const [k0, kc] = depth_block(p, block);
        Strided const b = p.b.at(k0, n0);
        Part const part{0, p.m, n0, nc, k0, kc};
        if (b.col == 1 && nc % kPackWidth == 0) {
          panel_product(p, part, b.data, b.row);
        } else {
          pack_panel(b, kc, nc, packed);
          panel_product(p, part, packed, padded(nc));
        }
      }
    }
  });
}

/// Many rows: all panels of a depth are packed, then threads take slabs of rows.
void by_rows(Cpu exec, Problem const& p, int threads) {
  int const panels = panels_of(p);
  float* const packed = scratch(static_cast<std::size_t>(std::min(p.k, kDepth)) * panels * kPanel);
  for (int block = 0; block < depth_blocks(p); ++block) {
    auto const [k0, kc] = depth_block(p, block);
    auto const width = [&](int panel) { return std::min(kPanel, p.n - panel * kPanel); };
    auto const panel_at = [&, kc = kc](int panel) {
      return packed + static_cast<std::ptrdiff_t>(panel) * kc * kPanel;
    };
    int const packers = std::min(threads, panels);
    parallel(packers > 1 ? exec : Cpu{}, packers, [&, k0 = k0, kc = kc](int task) {
      for (int panel = panels * task / packers; panel < panels * (task + 1) / packers; ++panel)
        pack_panel(p.b.at(k0, panel * kPanel), kc, width(panel), panel_at(panel));
    });
    int const slabs = std::min(threads, (p.m + kMostRows - 1) / kMostRows);
    parallel(exec, slabs, [&, k0 = k0, kc = kc](int slab) {
      // Slabs end at whole tiles, but for the last.
      auto const edge = [&](int s) {
        return s == slabs ? p.m
                          : static_cast<int>(static_cast<std::int64_t>(p.m) * s / slabs) /
                                kMostRows * kMostRows;
      };
      for (int m0 = edge(slab); m0 < edge(slab + 1); m0 += kRowBlock)
        for (int panel = 0; panel < panels; ++panel)
          panel_product(
              p,
              {m0, std::min(m0 + kRowBlock, edge(slab + 1)), panel * kPanel, width(panel), k0, kc},
              panel_at(panel), padded(width(panel)));
    });
  }
}

/// Very few rows against b stored by columns: dot products without packing, one column of c a lane.
void by_dots(Cpu exec, Problem const& p, int threads) {
  constexpr Lane<Wide> kFirst{0};
  int const groups = (p.n + kPackWidth - 1) / kPackWidth;
  parallel(exec, std::min(threads, groups), [&, tasks = std::min(threads, groups)](int task) {
    for (int group = groups * task / tasks; group < groups * (task + 1) / tasks; ++group)
      for (int m = 0; m < p.m; ++m) {
        int const n0 = group * kPackWidth, nc = std::min(kPackWidth, p.n - n0);
        float const* const left = p.a.data + m * p.a.row;
        float const* const right = p.b.data + n0 * p.b.col;
        Wide sum[kPackWidth];
        for (Wide& s : sum) s = Wide(0.F);
        int k = 0;
        for (; k + kPackWidth <= p.k; k += kPackWidth) {
          Wide const x = load(left + k, kFirst);
          LOOM_UNROLL
          for (int j = 0; j < kPackWidth; ++j)
            sum[j] = math::fma(x, load(right + std::min(j, nc - 1) * p.b.col + k, kFirst), sum[j]);
        }
        transpose(sum);
        for (int half = kPackWidth / 2; half > 0; half /= 2)
          for (int j = 0; j < half; ++j) sum[j] = sum[j] + sum[j + half];
        for (int j = 0; j < nc; ++j) {
          float total = sum[0][j];
          for (int rest = k; rest < p.k; ++rest)
            total = math::fma(left[rest], right[j * p.b.col + rest], total);
          float* const c = p.c + m * p.c_row + (n0 + j) * p.c_col;
          if (p.bias != nullptr) total += p.bias[n0 + j];
          *c = p.add ? *c + total : total;
        }
      }
  });
}

}  // namespace

std::size_t gemm_workspace(Cpu) { return 0; }

void gemm(Cpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
          GemmOptions const& options) {
  auto const [m, n, k] = gemm_shape(a, b, c, options);
  if (m == 0 || n == 0) return;
  auto const view = [](InRows<float> x, Transpose t) {
    return t == Transpose::yes ? Strided{x.data, 1, x.stride} : Strided{x.data, x.stride, 1};
  };
  Problem p{m,
            n,
            k,
            view(a, options.a),
            view(b, options.b),
            c.data,
            c.stride,
            1,
            options.bias.data,
            false,
            options.result == Result::add};
  double const products = static_cast<double>(m) * n * k;
  int const threads = products < kParallel ? 1 : num_threads(exec);
  if (m <= 8 && p.a.col == 1 && p.b.row == 1) return by_dots(exec, p, threads);
  if (n < kNarrow && m > n) p = swapped(p);
  if (p.m <= kFewRows && (threads == 1 || panels_of(p) >= threads))
    by_panels(exec, p, threads);
  else
    by_rows(exec, p, threads);
}

}  // namespace loom
