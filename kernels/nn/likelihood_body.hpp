#pragma once
// Likelihoods on lanes: one lane a number; F may be double.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/core/sum_fold.hpp>
#include <kernels/nn/likelihood.hpp>

namespace loom {

template <class F>
HD F symlog(F x) {
  return math::copysign(math::log1p(math::abs(x)), x);
}
template <class F>
HD F symexp(F x) {
  return math::copysign(math::expm1(math::abs(x)), x);
}

template <class F>
HD F likelihood_loss(Likelihood kind, F x, F t) {
  if (kind == Likelihood::bernoulli)
    return math::fma(-x, t, math::max(x, F(0.F))) + math::log1p(math::exp(-math::abs(x)));
  F const error = (kind == Likelihood::sigmoid_squared ? math::sigmoid(x) : x) -
                  (kind == Likelihood::symlog_squared ? symlog(t) : t);
  F const square = error * error;
  return kind == Likelihood::normal ? F(0.5F) * square : square;
}

/// d loss / d x.
template <class F>
HD F likelihood_gradient(Likelihood kind, F x, F t) {
  switch (kind) {
    case Likelihood::bernoulli:
      return math::sigmoid(x) - t;
    case Likelihood::sigmoid_squared: {
      F const y = math::sigmoid(x);
      return F(2.F) * (y - t) * y * (F(1.F) - y);
    }
    case Likelihood::symlog_squared:
      return F(2.F) * (x - symlog(t));
    case Likelihood::normal:
      return x - t;
    default:
      return F(2.F) * (x - t);
  }
}

struct NumberTarget {
  InRows<float> numbers;

  template <class F>
  HD F at(int row, Lane<F> i) const {
    return load(numbers.row(row), i);
  }
};

/// byte / 255 + offset.
struct ByteTarget {
  InRows<std::uint8_t> bytes;
  float offset;

  template <class F>
  HD F at(int row, Lane<F> i) const {
    return math::fma(F(to_float(load_byte(bytes.row(row), i))), F(1.F / 255.F), F(offset));
  }
};

template <class Target>
struct LikelihoodLoss : SumFold {
  Likelihood kind;
  InRows<float> prediction;
  Target target;
  Out<float> loss;
  int each;  // predictions of a target

  HD int items(int) const { return prediction.cols; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> i) const {
    v.sum =
        v.sum + likelihood_loss<F>(kind, load(prediction.row(row), i), target.at(row / each, i));
  }
  HD void finish(int row, Value<float> const& v) const {
    loss[static_cast<std::size_t>(row)] = v.sum;
  }
};

template <class Target>
struct LikelihoodBackward {
  Likelihood kind;
  InRows<float> prediction;
  Target target;
  In<float> dloss;
  OutRows<float> dprediction;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    F const slope = likelihood_gradient<F>(kind, load(prediction.row(row), i), target.at(row, i));
    store(dprediction.row(row), i, F(dloss[static_cast<std::size_t>(row)]) * slope);
  }
};

struct Symlog {
  In<float> x;
  Out<float> y;
  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, symlog(F(load(x, i))));
  }
};

struct Symexp {
  In<float> x;
  Out<float> y;
  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, symexp(F(load(x, i))));
  }
};

}  // namespace loom
