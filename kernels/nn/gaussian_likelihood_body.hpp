#pragma once
// One variance for all numbers, on lanes: one lane a row.
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct GaussianLikelihood {
  float half_numbers, weight;
  In<float> squares, log_variance;
  Out<float> loss, slope, dlog_variance;

  template <class F>
  HD void operator()(Lane<F> i) const {
    float const log_s = log_variance[0], half_precision = 0.5F * math::exp(-log_s);
    F const distance = F(load(squares, i)) * F(half_precision);
    F const normaliser = F(half_numbers * (2.F * math::kHalfLogTwoPi + log_s));
    store(loss, i, distance + normaliser);
    if (slope.data != nullptr) store(slope, i, F(weight * half_precision));
    if (dlog_variance.data != nullptr)
      store(dlog_variance, i, F(weight) * (F(half_numbers) - distance));
  }
};

}  // namespace loom
