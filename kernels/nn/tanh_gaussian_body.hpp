#pragma once
// Gaussian squashed by tanh, on lanes; one dimension at a time, the caller sums over dimensions.
#include <kernels/nn/gaussian_body.hpp>

namespace loom {

/// log(d tanh(x) / dx) = 2 (log 2 - x - softplus(-2 x)): exact where log(1 - tanh(x)^2) cancels.
template <class F>
HD F tanh_log_det(F x) {
  return F(2.F) * (F(math::kLog2) - x - math::softplus(F(-2.F) * x));
}

/// Log-density of tanh(x); x is the number before squashing.
template <class F>
HD F tanh_gaussian_log_prob(F x, F mean, F log_std) {
  return gaussian_log_prob(x, mean, log_std) - tanh_log_det(x);
}

struct TanhGaussianLogProb {
  InRows<float> mean, log_std, pre_tanh;
  Out<float> log_prob;

  template <class F>
  HD void operator()(Lane<F> i) const {
    RowReader<F> const m(mean, i), s(log_std, i), x(pre_tanh, i);
    F sum = F(0.F);
    for (int k = 0; k < mean.cols; ++k) sum = sum + tanh_gaussian_log_prob<F>(x(k), m(k), s(k));
    store(log_prob, i, sum);
  }
};

struct TanhGaussianSample {
  InRows<float> mean, log_std;
  RowDraws draws;
  OutRows<float> action, pre_tanh;
  Out<float> log_prob;

  template <class F>
  HD void operator()(Lane<F> i) const {
    auto random = draws.random(i);
    RowReader<F> const m(mean, i), s(log_std, i);
    RowWriter<F> const write(action, i), write_pre_tanh(pre_tanh, i);
    F sum = F(0.F);
    for (int k = 0; k < mean.cols; ++k) {
      F const center = m(k);
      F const spread = s(k);
      F const x = gaussian_sample(center, spread, random.normal());
      write(k, math::tanh(x));
      write_pre_tanh(k, x);
      sum = sum + tanh_gaussian_log_prob(x, center, spread);
    }
    store(log_prob, i, sum);
  }
};

}  // namespace loom
