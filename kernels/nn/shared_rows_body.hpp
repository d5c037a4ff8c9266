#pragma once
#include <kernels/core/lane_rows.hpp>
#include <kernels/nn/activation_body.hpp>

namespace loom {

struct AddSharedRows {
  Activation activation;
  int each;  // rows that have one in common
  InRows<float> x, shared;
  OutRows<float> y;

  template <class F>
  HD void operator()(int row, Lane<F> col) const {
    F const sum = F(load(x.row(row), col)) + F(load(shared.row(row / each), col));
    store(y.row(row), col, activate(activation, sum));
  }
};

}  // namespace loom
