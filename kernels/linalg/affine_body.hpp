#pragma once
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct Affine {
  float scale, shift;
  In<float> x;
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, math::fma(F(scale), F(load(x, i)), F(shift)));
  }
};

}  // namespace loom
