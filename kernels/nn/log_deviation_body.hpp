#pragma once
// Clamped log-deviations on lanes: one lane a number; F may be double.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/nn/log_deviation.hpp>

namespace loom {

struct LogDeviationLanes {
  LogDeviation how;
  InRows<float> raw;
  OutRows<float> log_std;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    store(log_std.row(row), i,
          math::clamp(F(how.scale) * F(load(raw.row(row), i)), F(how.low), F(how.high)));
  }
};

struct LogDeviationBackward {
  LogDeviation how;
  InRows<float> raw, dlog_std;
  OutRows<float> draw;
  bool adds;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    F const x = F(how.scale) * F(load(raw.row(row), i));
    F const slope = select((x >= F(how.low)) & (x <= F(how.high)), F(how.scale), F(0.F));
    F const before = adds ? F(load(InRows<float>(draw).row(row), i)) : F(0.F);
    store(draw.row(row), i, math::fma(F(load(dlog_std.row(row), i)), slope, before));
  }
};

}  // namespace loom
