// The product without cuBLASLt: 64 x 64 tiles of c, 4 x 4 a thread, both operands through shared
// memory. Blocks, not lanes, and bound to shared memory: the launch therefore stands here.
#include <kernels/core/enqueue.hpp>
#include <kernels/linalg/gemm_shape.hpp>

namespace loom {
namespace {

constexpr int kTileSide = 64;
constexpr int kDepth = 16;
constexpr int kSide = 16;  // threads along a side of the tile
constexpr int kEach = kTileSide / kSide;
constexpr int kPadded = kTileSide + 4;  // keeps the columns of a transposed store off one bank

/// A matrix by element strides.
struct Strided {
  float const* data;
  int row, col;
  HD float at(int r, int c) const {
    return data[static_cast<std::ptrdiff_t>(r) * row + static_cast<std::ptrdiff_t>(c) * col];
  }
};

/// tile[depth][side] = x(first + side, k0 + depth), zero outside. Neighbouring threads read
/// neighbours in memory.
__device__ void fetch(Strided x, int first, int rows, int k0, int k, float (&tile)[kDepth][kPadded],
                      int thread) {
  LOOM_UNROLL
  for (int e = 0; e < kTileSide * kDepth / (kSide * kSide); ++e) {
    int const i = thread + e * kSide * kSide;
    bool const along_k = x.col == 1;
    int const depth = along_k ? i % kDepth : i / kTileSide;
    int const side = along_k ? i / kDepth : i % kTileSide;
    bool const inside = first + side < rows && k0 + depth < k;
    tile[depth][side] = inside ? x.at(first + side, k0 + depth) : 0.F;
  }
}

__global__ void __launch_bounds__(kSide* kSide)
    tiled(GemmShape s, Strided a, Strided b_transposed, OutRows<float> c, float const* bias,
          bool add) {
  __shared__ float left[kDepth][kPadded], right[kDepth][kPadded];
  int const thread = static_cast<int>(threadIdx.x);
  int const m0 = static_cast<int>(blockIdx.x) * kTileSide,
            n0 = static_cast<int>(blockIdx.y) * kTileSide;
  int const y = thread / kSide, x = thread % kSide;
  float sum[kEach][kEach] = {};
  for (int k0 = 0; k0 < s.k; k0 += kDepth) {
    fetch(a, m0, s.m, k0, s.k, left, thread);
    fetch(b_transposed, n0, s.n, k0, s.k, right, thread);
    __syncthreads();
    LOOM_UNROLL
    for (int depth = 0; depth < kDepth; ++depth) {
      float l[kEach], r[kEach];
      LOOM_UNROLL
      for (int i = 0; i < kEach; ++i) l[i] = left[depth][y * kEach + i];
      LOOM_UNROLL
      for (int j = 0; j < kEach; ++j) r[j] = right[depth][x + j * kSide];
      LOOM_UNROLL
      for (int i = 0; i < kEach; ++i) LOOM_UNROLL
      for (int j = 0; j < kEach; ++j) sum[i][j] = __builtin_fmaf(l[i], r[j], sum[i][j]);
    }
    __syncthreads();
  }
  LOOM_UNROLL
  for (int i = 0; i < kEach; ++i) {
    int const row = m0 + y * kEach + i;
    LOOM_UNROLL
    for (int j = 0; j < kEach; ++j) {
      int const col = n0 + x + j * kSide;
      if (row >= s.m || col >= s.n) continue;
      float value = sum[i][j];
      if (bias != nullptr) value += bias[col];
      if (add) value += c.row(row)[col];
      c.row(row)[col] = value;
    }
  }
}

}  // namespace

void gemm_tiled(Gpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
                GemmOptions const& options) {
  GemmShape const s = gemm_shape(a, b, c, options);
  if (s.m == 0 || s.n == 0) return;
  Strided const left =
      options.a == Transpose::yes ? Strided{a.data, 1, a.stride} : Strided{a.data, a.stride, 1};
  Strided const right =
      options.b == Transpose::yes ? Strided{b.data, b.stride, 1} : Strided{b.data, 1, b.stride};
  dim3 const grid(static_cast<unsigned>((s.m + kTileSide - 1) / kTileSide),
                  static_cast<unsigned>((s.n + kTileSide - 1) / kTileSide));
  enqueue(exec, grid, kSide * kSide, 0, tiled, s, left, right, c, options.bias.data,
          options.result == Result::add);
}

}  // namespace loom
