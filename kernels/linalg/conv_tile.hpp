#pragma once
// The inner loops of the CPU's convolutions: register tiles that read windows in place. Host only.
#include <array>
#include <kernels/linalg/gemm_tile.hpp>
#include <utility>

namespace loom::conv_cpu {

using gemm_cpu::kMostRows;
using gemm_cpu::kPackWidth;
using gemm_cpu::kPanel;
using gemm_cpu::kPanelPacks;
using gemm_cpu::rows_a_tile;

/// The patches of consecutive output pixels, and what lies opposite them.
struct PixelTile {
  float const* x;
  int const* offset;     // of each row's patch in x
  int runs, length;      // a patch is `runs` rows of `length` consecutive elements
  std::ptrdiff_t pitch;  // from one run to the next
  float const* b;        // [runs * length][packs]
  float const* start;    // of the sums: one row with start_stride = 0, or c
  std::ptrdiff_t start_stride;
  float* c;
  std::ptrdiff_t c_stride;
};

/// c[i][j] = start[i][j] + sum over a patch of x[offset[i] + ..] b[..][j]: outputs of R pixels.
template <int R, int N>
void pixel_tile(PixelTile const& p) {
  constexpr Lane<Wide> kFirst{0};
  Wide sum[R][N];
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j)
    sum[i][j] = load(p.start + i * p.start_stride + j * kPackWidth, kFirst);
  float const* row[R];
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) row[i] = p.x + p.offset[i];
  float const* b = p.b;
  for (int run = 0; run < p.runs; ++run) {
    for (std::ptrdiff_t t = 0; t < p.length; ++t) {
      Wide right[N];
      LOOM_UNROLL
      for (int j = 0; j < N; ++j) right[j] = load(b + j * kPackWidth, kFirst);
      LOOM_UNROLL
      for (int i = 0; i < R; ++i) {
        Wide const left(row[i][t]);
        LOOM_UNROLL
        for (int j = 0; j < N; ++j) sum[i][j] = math::fma(left, right[j], sum[i][j]);
      }
      b += N * kPackWidth;
    }
    LOOM_UNROLL
    for (int i = 0; i < R; ++i) row[i] += p.pitch;
  }
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j) store(p.c + i * p.c_stride + j * kPackWidth, kFirst, sum[i][j]);
}

/// Consecutive elements of a window against the gradients of all pixels.
struct WeightTile {
  float const* x;     // at the elements, for offset 0
  int const* offset;  // of each pixel's patch
  int pixels;
  float const* dz;  // [pixels] rows of dz_stride
  std::ptrdiff_t dz_stride;
  float* c;
  std::ptrdiff_t c_stride;
};

/// c[i][j] += sum over pixels of x[offset[pixel] + i] dz[pixel][j].
template <int R, int N>
void weight_tile(WeightTile const& p) {
  constexpr Lane<Wide> kFirst{0};
  Wide sum[R][N];
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j) sum[i][j] = load(p.c + i * p.c_stride + j * kPackWidth, kFirst);
  float const* dz = p.dz;
  for (int pixel = 0; pixel < p.pixels; ++pixel) {
    float const* const left = p.x + p.offset[pixel];
    Wide right[N];
    LOOM_UNROLL
    for (int j = 0; j < N; ++j) right[j] = load(dz + j * kPackWidth, kFirst);
    LOOM_UNROLL
    for (int i = 0; i < R; ++i) {
      Wide const element(left[i]);
      LOOM_UNROLL
      for (int j = 0; j < N; ++j) sum[i][j] = math::fma(element, right[j], sum[i][j]);
    }
    dz += p.dz_stride;
  }
  LOOM_UNROLL
  for (int i = 0; i < R; ++i) LOOM_UNROLL
  for (int j = 0; j < N; ++j) store(p.c + i * p.c_stride + j * kPackWidth, kFirst, sum[i][j]);
}

template <int N, std::size_t... R>
constexpr std::array<void (*)(PixelTile const&), kMostRows> pixel_tiles(std::index_sequence<R...>) {
  return {pixel_tile<static_cast<int>(R) + 1, N>...};
}
template <int N, std::size_t... R>
constexpr std::array<void (*)(WeightTile const&), kMostRows> weight_tiles(
    std::index_sequence<R...>) {
  return {weight_tile<static_cast<int>(R) + 1, N>...};
}

/// The functions of `packs` packs, by rows - 1.
inline auto const& pixel_tiles_of(int packs) {
  static constexpr std::array kAll{pixel_tiles<1>(std::make_index_sequence<rows_a_tile(1)>{}),
                                   pixel_tiles<2>(std::make_index_sequence<rows_a_tile(2)>{}),
                                   pixel_tiles<3>(std::make_index_sequence<rows_a_tile(3)>{}),
                                   pixel_tiles<4>(std::make_index_sequence<rows_a_tile(4)>{})};
  return kAll[static_cast<std::size_t>(packs - 1)];
}
inline auto const& weight_tiles_of(int packs) {
  static constexpr std::array kAll{weight_tiles<1>(std::make_index_sequence<rows_a_tile(1)>{}),
                                   weight_tiles<2>(std::make_index_sequence<rows_a_tile(2)>{}),
                                   weight_tiles<3>(std::make_index_sequence<rows_a_tile(3)>{}),
                                   weight_tiles<4>(std::make_index_sequence<rows_a_tile(4)>{})};
  return kAll[static_cast<std::size_t>(packs - 1)];
}

/// f(first, rows) over `count` rows in blocks of nearly equal height, at most `most` each.
template <class F>
void in_blocks(int count, int most, F const& f) {
  int blocks = (count + most - 1) / most;
  for (int row = 0; row < count; --blocks) {
    int const rows = (count - row + blocks - 1) / blocks;
    f(row, rows);
    row += rows;
  }
}

}  // namespace loom::conv_cpu
