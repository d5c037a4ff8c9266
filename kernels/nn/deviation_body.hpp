#pragma once
// Deviations on lanes: one lane a number; F may be double.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct Deviation {
  float least;
  InRows<float> raw;
  OutRows<float> log_std;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    store(log_std.row(row), i, math::log(math::softplus(F(load(raw.row(row), i))) + F(least)));
  }
};

struct DeviationBackward {
  float least;
  InRows<float> raw, dlog_std;
  OutRows<float> draw;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    F const x = load(raw.row(row), i);
    F const slope = math::sigmoid(x) / (math::softplus(x) + F(least));
    store(draw.row(row), i, F(load(dlog_std.row(row), i)) * slope);
  }
};

}  // namespace loom
