#pragma once
// Transposes W x W blocks in registers. Host only.
#include <kernels/core/lane.hpp>
#include <utility>

namespace loom {

namespace detail {

/// Lane l of the result: low half of a step keeps `a`, high half takes `b` from S lanes below; and
/// the mirror.
template <int W, int S, std::size_t... L>
HD void exchange(Pack<float, W>& a, Pack<float, W>& b, std::index_sequence<L...>) {
  auto const low =
      __builtin_shufflevector(a.v, b.v, static_cast<int>((L & S) == 0 ? L : W + L - S)...);
  b.v = __builtin_shufflevector(a.v, b.v, static_cast<int>((L & S) == 0 ? L + S : W + L)...);
  a.v = low;
}

template <int W, int S>
HD void transpose_step(Pack<float, W> (&rows)[W]) {
  LOOM_UNROLL
  for (int i = 0; i < W; ++i)
    if ((i & S) == 0) exchange<W, S>(rows[i], rows[i + S], std::make_index_sequence<W>{});
  if constexpr (S > 1) transpose_step<W, S / 2>(rows);
}

}  // namespace detail

/// rows[i][j] and rows[j][i] change places.
template <int W>
HD void transpose(Pack<float, W> (&rows)[W]) {
  detail::transpose_step<W, W / 2>(rows);
}

}  // namespace loom
