#pragma once
// What this machine can do at most, measured in the same run as what is compared with it.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <kernels/core/lane.hpp>
#include <kernels/core/math.hpp>
#include <vector>

namespace loom::bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// FLOP/s of fused multiply-adds on one core: twelve independent chains of the widest packs, best
/// of some runs.
inline double fma_peak() {
  double best = 0;
  // Volatile: a constant would be read from memory by every multiply-add.
  float volatile factor = 0.999F, term = 0.001F;
  for (int run = 0; run < 15; ++run) {
    Wide sum[12];
    for (int i = 0; i < 12; ++i) sum[i] = Wide(0.1F * static_cast<float>(i));
    Wide const x(factor), y(term);
    constexpr int kTurns = 100000;
    double const start = seconds();
    for (int k = 0; k < kTurns; k += 8) {
      // Eight turns a round: one alone lost a quarter to where the loop happened to lie.
      LOOM_UNROLL
      for (int turn = 0; turn < 8; ++turn) LOOM_UNROLL
      for (int i = 0; i < 12; ++i) sum[i] = math::fma(sum[i], x, y);
      asm volatile("" ::: "memory");
    }
    double const time = seconds() - start;
    for (int i = 1; i < 12; ++i) sum[0] = sum[0] + sum[i];
    float volatile sink = sum[0][0];
    (void)sink;
    best = std::max(best, kTurns * 12.0 * kLanes * 2 / time);
  }
  return best;
}

/// Bytes/s of memcpy far beyond the caches, reads and writes counted.
inline double copy_bandwidth() {
  std::size_t const n = std::size_t{1} << 28;
  std::vector<char> from(n, 1), to(n, 2);
  double best = 0;
  for (int run = 0; run < 3; ++run) {
    double const start = seconds();
    std::memcpy(to.data(), from.data(), n);
    best = std::max(best, 2.0 * static_cast<double>(n) / (seconds() - start));
  }
  return best;
}

}  // namespace loom::bench
