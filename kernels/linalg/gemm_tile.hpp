#pragma once
// The inner loop of the CPU's gemm: an R x (N packs) tile of c in registers. Host only.
#include <array>
#include <kernels/core/math.hpp>
#include <utility>

namespace loom::gemm_cpu {

inline constexpr int kPackWidth = kWidth<Wide>;
// 32 registers hold 24 accumulators, 4 packs of b and the broadcast of a; 16 hold 12, 2 and 1.
inline constexpr int kAccumulators = kPackWidth == 16 ? 24 : 12;
inline constexpr int kPanelPacks = kPackWidth == 16 ? 4 : 2;
inline constexpr int kPanel = kPanelPacks * kPackWidth;
inline constexpr int kMostRows = 12;

constexpr int rows_a_tile(int packs) {
  return kAccumulators / packs < kMostRows ? kAccumulators / packs : kMostRows;
}

/// A matrix by element strides, so that a transpose is only another view.
struct Strided {
  float const* data;
  std::ptrdiff_t row, col;

  Strided at(std::ptrdiff_t r, std::ptrdiff_t c) const {
    return {data + r * row + c * col, row, col};
  }
};

/// c = start + a b for k products. `start` may be c, or one row with start_stride = 0.
template <int R, int N>
void tile(int k, Strided a, float const* b, std::ptrdiff_t b_stride, float const* start,
          std::ptrdiff_t start_stride, float* c, std::ptrdiff_t c_stride) {
  constexpr Lane<Wide> kFirst{0};
  Wide sum[R][N];
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j) sum[i][j] = load(start + i * start_stride + j * kPackWidth, kFirst);
  float const* row = a.data;
  for (int step = 0; step < k; ++step) {
    Wide right[N];
    LOOM_UNROLL
    for (int j = 0; j < N; ++j) right[j] = load(b + j * kPackWidth, kFirst);
    LOOM_UNROLL
    for (int i = 0; i < R; ++i) {
      Wide const left(row[i * a.row]);
      LOOM_UNROLL
      for (int j = 0; j < N; ++j) sum[i][j] = math::fma(left, right[j], sum[i][j]);
    }
    row += a.col;
    b += b_stride;
  }
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j) store(c + i * c_stride + j * kPackWidth, kFirst, sum[i][j]);
}

using Tile = void (*)(int, Strided, float const*, std::ptrdiff_t, float const*, std::ptrdiff_t,
                      float*, std::ptrdiff_t);

template <int N, std::size_t... R>
constexpr std::array<Tile, kMostRows> tiles_of(std::index_sequence<R...>) {
  return {tile<static_cast<int>(R) + 1, N>...};
}

/// The tile of `rows` x `packs`.
inline Tile tile_of(int rows, int packs) {
  static constexpr auto kOne = tiles_of<1>(std::make_index_sequence<rows_a_tile(1)>{});
  static constexpr auto kTwo = tiles_of<2>(std::make_index_sequence<rows_a_tile(2)>{});
  static constexpr auto kThree = tiles_of<3>(std::make_index_sequence<rows_a_tile(3)>{});
  static constexpr auto kFour = tiles_of<4>(std::make_index_sequence<rows_a_tile(4)>{});
  std::size_t const at = static_cast<std::size_t>(rows - 1);
  return packs == 1 ? kOne[at] : packs == 2 ? kTwo[at] : packs == 3 ? kThree[at] : kFour[at];
}

}  // namespace loom::gemm_cpu
