#pragma once
#include <kernels/core/lane.hpp>

namespace loom {

struct Add {
  In<float> a, b;
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, load(a, i) + load(b, i));
  }
};

}  // namespace loom
