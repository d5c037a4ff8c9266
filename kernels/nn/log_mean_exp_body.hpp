#pragma once
// Log of a mean of exponentials: one pass, sums rescaled whenever a larger number comes.
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>
#include <limits>

namespace loom {

struct LogMeanExp {
  static constexpr float kLeast = std::numeric_limits<float>::lowest();
  InRows<float> x;
  Out<float> log_mean, mean;

  template <class F>
  struct Value {
    F most, sum, total;  // the largest, sum of exp(x - most), sum of x
  };
  template <class F>
  HD Value<F> empty() const {
    return {F(kLeast), F(0.F), F(0.F)};
  }
  HD int items(int) const { return x.cols; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> k) const {
    F const number = load(x.row(row), k);
    v = merge(v, Value<F>{number, F(1.F), number});
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    F const most = math::max(a.most, b.most);
    return {most, a.sum * math::exp(a.most - most) + b.sum * math::exp(b.most - most),
            a.total + b.total};
  }
  HD void finish(int row, Value<float> const& v) const {
    auto const at = static_cast<std::size_t>(row);
    auto const count = static_cast<float>(x.cols);
    log_mean[at] = v.most + math::log(v.sum / count);
    if (mean.data != nullptr) mean[at] = v.total / count;
  }
};

}  // namespace loom
