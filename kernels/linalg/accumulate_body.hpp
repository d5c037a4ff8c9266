#pragma once
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct Accumulate {
  InRows<float> x;
  OutRows<float> y;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    store(y.row(row), i, F(load(y.row(row), i)) + F(load(x.row(row), i)));
  }
};

}  // namespace loom
