#pragma once
// Diagonal Gaussian, on lanes; one dimension at a time, the caller sums over dimensions.
#include <kernels/nn/rows.hpp>

namespace loom {

/// log N(x; mean, exp(log_std)^2) of one dimension.
template <class F>
HD F gaussian_log_prob(F x, F mean, F log_std) {
  F const z = (x - mean) * math::exp(-log_std);
  return math::fma(F(-0.5F) * z, z, -log_std) - F(math::kHalfLogTwoPi);
}

/// 1/2 log(2 pi e sigma^2) of one dimension.
template <class F>
HD F gaussian_entropy(F log_std) {
  return log_std + F(0.5F + math::kHalfLogTwoPi);
}

/// noise: a standard normal number.
template <class F>
HD F gaussian_sample(F mean, F log_std, F noise) {
  return math::fma(math::exp(log_std), noise, mean);
}

/// Sum over n dimensions; x, mean and log_std are callables of the dimension.
template <class F, class X, class Mean, class LogStd>
HD F gaussian_log_prob(int n, X const& x, Mean const& mean, LogStd const& log_std) {
  F sum = F(0.F);
  for (int k = 0; k < n; ++k) sum = sum + gaussian_log_prob<F>(x(k), mean(k), log_std(k));
  return sum;
}
template <class F, class LogStd>
HD F gaussian_entropy(int n, LogStd const& log_std) {
  F sum = F(0.F);
  for (int k = 0; k < n; ++k) sum = sum + gaussian_entropy<F>(log_std(k));
  return sum;
}

/// The same number for every row: log_std(k) of a state-independent deviation.
template <class F>
struct Shared {
  float const* data;
  HD F operator()(int k) const { return F(data[k]); }
};

struct GaussianLogProb {
  InRows<float> mean;
  In<float> log_std;
  InRows<float> action;
  Out<float> log_prob;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(log_prob, i,
          gaussian_log_prob<F>(mean.cols, RowReader<F>(action, i), RowReader<F>(mean, i),
                               Shared<F>{log_std.data}));
  }
};

struct GaussianEntropy {
  In<float> log_std;
  Out<float> entropy;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(entropy, i, gaussian_entropy<F>(static_cast<int>(log_std.size), Shared<F>{log_std.data}));
  }
};

struct GaussianSample {
  InRows<float> mean;
  In<float> log_std;
  RowDraws draws;
  OutRows<float> action;
  Out<float> log_prob;  // may be empty

  template <class F>
  HD void operator()(Lane<F> i) const {
    auto random = draws.random(i);
    RowReader<F> const m(mean, i);
    RowWriter<F> const write(action, i);
    F sum = F(0.F);
    for (int k = 0; k < mean.cols; ++k) {
      F const center = m(k);
      F const spread = F(log_std[static_cast<std::size_t>(k)]);
      F const x = gaussian_sample(center, spread, random.normal());
      write(k, x);
      sum = sum + gaussian_log_prob(x, center, spread);
    }
    if (log_prob.size != 0) store(log_prob, i, sum);
  }
};

}  // namespace loom
