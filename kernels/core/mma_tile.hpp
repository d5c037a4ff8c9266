#pragma once
// What block kernels do with accumulator tiles m16 x n8: products, and statistics of rows. nvcc only.
#include <kernels/core/fast_math.hpp>
#include <kernels/core/mma.hpp>

namespace loom::warp {

/// sum += A W over k_steps of 32: A's m16 tiles lie in rows of `stride` bytes, `address` is the lane's for
/// load_matrices; unit(n) gives the weights of n8 tile n for one step.
template <int M, int N, class Unit>
HD void multiply(float (&sum)[M][N][4], std::uint32_t address, int stride, int k_steps,
                 Unit const& unit) {
  LOOM_NO_UNROLL
  for (; k_steps > 0; --k_steps, address += 64) {
    Words w[N];
    LOOM_UNROLL
    for (int n = 0; n < N; ++n) w[n] = unit(n);
    LOOM_UNROLL
    for (int m = 0; m < M; ++m) {
      std::uint32_t a[2][4];
      load_matrices(a[0], address + m * 16 * stride);
      load_matrices(a[1], address + m * 16 * stride + 32);
      LOOM_UNROLL
      for (int n = 0; n < N; ++n) mma(sum[m][n], a[0], w[n].x, w[n].y);
      LOOM_UNROLL
      for (int n = 0; n < N; ++n) mma(sum[m][n], a[1], w[n].z, w[n].w);
    }
  }
}

/// Sums of a tile begin with the biases of the lane's two columns.
HD void begin(float (&sum)[4], float const* bias) {
  sum[0] = sum[2] = bias[0];
  sum[1] = sum[3] = bias[1];
}

/// Where the partial results of a row meet: one column a warp.
struct RowParts {
  float* slot;
  int column;  ///< floats from one warp's to the next's
  int part;    ///< this warp's, of kParts; beyond them it has no columns of the rows
  int row;     ///< the lane's first
  int lane;
};
/// total[m][h] of row m * 16 + h * 8: over the numbers that each(m, h, f) hands to f, then over the quad, then
/// over the kParts warps that share the row, in order. sync() is the block's barrier.
template <int kParts, int M, class Each, class Merge, class Sync>
HD void row_totals(float (&total)[M][2], RowParts const& at, float neutral, Each const& each,
                   Merge const& merge, Sync const& sync) {
  // A warp without columns still meets the others at the barrier.
  if (at.part < kParts) {
    LOOM_UNROLL
    for (int m = 0; m < M; ++m) LOOM_UNROLL
    for (int h = 0; h < 2; ++h) {
      float v = neutral;
      each(m, h, [&](float x) { v = merge(v, x); });
      v = merge(v, exchange(v, 1));
      v = merge(v, exchange(v, 2));
      if ((at.lane & 3) == 0) at.slot[at.part * at.column + at.row + m * 16 + h * 8] = v;
    }
  }
  sync();
  LOOM_UNROLL
  for (int m = 0; m < M; ++m) LOOM_UNROLL
  for (int h = 0; h < 2; ++h) {
    float const* const p = at.slot + at.row + m * 16 + h * 8;
    float v = p[0];
    LOOM_UNROLL
    for (int i = 1; i < kParts; ++i) v = merge(v, p[i * at.column]);
    total[m][h] = v;
  }
}

}  // namespace loom::warp
