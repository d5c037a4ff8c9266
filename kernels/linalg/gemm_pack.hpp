#pragma once
// Copies of the right operand that the CPU's inner loops walk through in order. Host only.
#include <algorithm>
#include <kernels/core/pack_transpose.hpp>
#include <kernels/linalg/gemm_tile.hpp>

namespace loom::gemm_cpu {

/// Width of the packed panel of nc columns: whole packs.
inline int padded(int nc) { return (nc + kPackWidth - 1) / kPackWidth * kPackWidth; }

/// Copies b (kc x nc) to [kc][padded(nc)], zeros beyond nc.
inline void pack_panel(Strided b, int kc, int nc, float* to) {
  constexpr Lane<Wide> kFirst{0};
  int const width = padded(nc);
  if (b.col == 1 || b.row != 1) {
    for (int k = 0; k < kc; ++k, to += width) {
      float const* const row = b.data + k * b.row;
      for (int j = 0; j < nc; ++j) to[j] = row[j * b.col];
      for (int j = nc; j < width; ++j) to[j] = 0.F;
    }
    return;
  }
  // b is stored by columns: transpose blocks in registers.
  for (int j0 = 0; j0 < width; j0 += kPackWidth) {
    float const* const column = b.data + j0 * b.col;
    int const columns = std::min(kPackWidth, nc - j0);
    int k = 0;
    for (; k + kPackWidth <= kc; k += kPackWidth) {
      Wide block[kPackWidth];
      for (int j = 0; j < kPackWidth; ++j)
        block[j] = j < columns ? load(column + j * b.col + k, kFirst) : Wide(0.F);
      transpose(block);
      for (int i = 0; i < kPackWidth; ++i) store(to + (k + i) * width + j0, kFirst, block[i]);
    }
    for (; k < kc; ++k)
      for (int j = 0; j < kPackWidth; ++j)
        to[k * width + j0 + j] = j < columns ? column[j * b.col + k] : 0.F;
  }
}

}  // namespace loom::gemm_cpu
