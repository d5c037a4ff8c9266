#pragma once
#include <kernels/core/lane_rows.hpp>
#include <kernels/nn/activation_body.hpp>

namespace loom {

struct ApplyActivation {
  Activation kind;
  InRows<float> x;
  OutRows<float> y;

  template <class F>
  HD void operator()(int row, Lane<F> col) const {
    store(y.row(row), col, activate(kind, F(load(x.row(row), col))));
  }
};

struct ApplyActivationGradient {
  Activation kind;
  InRows<float> kept, dy;
  OutRows<float> dx;

  template <class F>
  HD void operator()(int row, Lane<F> col) const {
    store(dx.row(row), col,
          activation_gradient(kind, F(load(kept.row(row), col)), F(load(dy.row(row), col))));
  }
};

}  // namespace loom
