#pragma once
// Squashing on lanes: one lane a number; F may be double.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/nn/squash.hpp>

namespace loom {

struct SquashLanes {
  Squash kind;
  float scale;
  InRows<float> x;
  OutRows<float> y;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    F const v = load(x.row(row), i);
    store(y.row(row), i, F(scale) * (kind == Squash::tanh ? math::tanh(v) : math::sigmoid(v)));
  }
};

struct SquashBackward {
  Squash kind;
  float scale;
  InRows<float> y, dy;
  OutRows<float> dx;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    F const u = F(load(y.row(row), i)) * F(1.F / scale);
    F const slope = (kind == Squash::tanh ? F(1.F) + u : u) * (F(1.F) - u);
    store(dx.row(row), i, F(load(dy.row(row), i)) * F(scale) * slope);
  }
};

}  // namespace loom
