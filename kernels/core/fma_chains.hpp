#pragma once
// The most arithmetic that a machine can be made to do: the ceiling that rates are compared with.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Independent chains of multiply-adds in every lane; enough to hide their latency.
inline constexpr int kFmaChains = 12;
inline double fma_chains_flops(double lanes, double turns) {
  return lanes * turns * kFmaChains * 2;
}

/// sums[i] = the sum over c < kFmaChains of x_c after `turns` times x_c = 0.5 x_c + 1, from x_c =
/// c. Every x_c goes to 2, so that sums go to 2 kFmaChains.
///
/// Shapes   sums: (n).
/// Errors   ShapeError if turns < 0.
void fma_chains(Cpu exec, int turns, Out<float> sums);
void fma_chains(Gpu exec, int turns, Out<float> sums);

}  // namespace loom
