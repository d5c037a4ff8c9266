#pragma once
#include <kernels/core/fma_chains.hpp>
#include <kernels/core/lane.hpp>
#include <kernels/core/math.hpp>

namespace loom {

struct FmaChains {
  int turns;
  Out<float> sums;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F x[kFmaChains];
    LOOM_UNROLL
    for (int c = 0; c < kFmaChains; ++c) x[c] = F(static_cast<float>(c));
    LOOM_NO_UNROLL
    for (int turn = 0; turn < turns; ++turn) {
      LOOM_UNROLL
      for (int c = 0; c < kFmaChains; ++c) x[c] = math::fma(x[c], F(0.5F), F(1.F));
    }
    LOOM_UNROLL
    for (int c = 1; c < kFmaChains; ++c) x[0] = x[0] + x[c];
    store(sums, i, x[0]);
  }
};

}  // namespace loom
