#pragma once
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct MovingAverage {
  float rate;
  In<float> x;
  Out<float> average;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F const old = load(average.data, i), now = load(x, i);
    // At rate 1 old + (now - old) would round.
    store(average, i, rate < 1.F ? math::fma(F(rate), now - old, old) : now);
  }
};

}  // namespace loom
