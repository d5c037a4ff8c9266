#pragma once
// Two-hot rows as folds over their bins, and element by element.
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// The weight of bin k for target x: a hat between its neighbours, flat beyond the ends.
template <class F>
HD F two_hot_weight(float const* bins, int count, IntOf<F> k, F x) {
  F const here = gather(bins, k);
  F const before = gather(bins, select(k > 0, k - 1, k));
  F const after = gather(bins, select(k < count - 1, k + 1, k));
  F const rising = select(k > 0, (x - before) / (here - before), F(1.F));
  F const falling = select(k < count - 1, (after - x) / (after - here), F(1.F));
  return math::clamp(math::min(rising, falling), F(0.F), F(1.F));
}

/// Below every logit, and finite: exp of differences to it is 0.
inline constexpr float kNoLogit = -1e30F;

/// Sums of exp(logit - max) and of what goes with them, under a maximum that rises.
template <class F>
struct SoftmaxSum {
  F max, weight, total;
};

template <class F>
HD SoftmaxSum<F> merge_softmax(SoftmaxSum<F> const& a, SoftmaxSum<F> const& b) {
  F const max = math::max(a.max, b.max);
  F const at_a = math::exp(a.max - max), at_b = math::exp(b.max - max);
  return {max, a.weight * at_a + b.weight * at_b, a.total * at_a + b.total * at_b};
}

/// Sums of a row's mean.
struct TwoHotMeanSums {
  In<float> bins;
  InRows<float> logits;

  template <class F>
  using Value = SoftmaxSum<F>;
  template <class F>
  HD Value<F> empty() const {
    return {F(kNoLogit), F(0.F), F(0.F)};
  }
  /// Pairs from both ends; the middle one by itself.
  HD int items(int) const { return (logits.cols + 1) / 2; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> i) const {
    auto const low = iota(i), high = logits.cols - 1 - low;
    F const a = load(logits.row(row), i), b = gather(logits.row(row), high);
    F const max = math::max(v.max, math::max(a, b));
    F const kept = math::exp(v.max - max), at_low = math::exp(a - max),
            at_high = select(low == high, F(0.F), math::exp(b - max));
    v.weight = v.weight * kept + (at_low + at_high);
    v.total = v.total * kept + (at_low * load(bins.data, i) + at_high * gather(bins.data, high));
    v.max = max;
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    return merge_softmax(a, b);
  }
};

struct TwoHotMean : TwoHotMeanSums {
  Out<float> mean;

  HD void finish(int row, Value<float> const& v) const {
    mean[static_cast<std::size_t>(row)] = v.total / v.weight;
  }
};

struct TwoHotMeanBackward : TwoHotMeanSums {
  In<float> dmean;
  OutRows<float> dlogits;

  HD void finish(int, Value<float> const&) const {}
  HD int elements(int) const { return logits.cols; }
  template <class F>
  HD void spread(int row, Value<float> const& v, Lane<F> i) const {
    F const p = math::exp(load(logits.row(row), i) - F(v.max)) / F(v.weight);
    // The distance first: bins reach 5e8, and p b_k - p mean would round small means away.
    F const distance = load(bins.data, i) - F(v.total / v.weight);
    store(dlogits.row(row), i, F(dmean[static_cast<std::size_t>(row)]) * (p * distance));
  }
};

struct TwoHotLoss {
  In<float> bins;
  InRows<float> logits;
  In<float> target;
  Out<float> loss, log_normaliser;

  /// total: of w_k logit_k, which no maximum scales.
  template <class F>
  using Value = SoftmaxSum<F>;
  template <class F>
  HD Value<F> empty() const {
    return {F(kNoLogit), F(0.F), F(0.F)};
  }
  HD int items(int) const { return logits.cols; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> i) const {
    F const logit = load(logits.row(row), i);
    F const max = math::max(v.max, logit);
    v.weight = v.weight * math::exp(v.max - max) + math::exp(logit - max);
    v.max = max;
    F const x = F(target[static_cast<std::size_t>(row)]);
    v.total = math::fma(two_hot_weight<F>(bins.data, logits.cols, iota(i), x), logit, v.total);
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    F const max = math::max(a.max, b.max);
    return {max, a.weight * math::exp(a.max - max) + b.weight * math::exp(b.max - max),
            a.total + b.total};
  }
  HD void finish(int row, Value<float> const& v) const {
    float const normaliser = v.max + math::log(v.weight);
    loss[static_cast<std::size_t>(row)] = normaliser - v.total;
    log_normaliser[static_cast<std::size_t>(row)] = normaliser;
  }
};

struct TwoHotBackward {
  In<float> bins;
  InRows<float> logits;
  In<float> target, log_normaliser, dloss;
  OutRows<float> dlogits;
  bool add;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    auto const at = static_cast<std::size_t>(row);
    F const p = math::exp(load(logits.row(row), i) - F(log_normaliser[at]));
    F const w = two_hot_weight<F>(bins.data, logits.cols, iota(i), F(target[at]));
    F const before = add ? F(load(dlogits.row(row), i)) : F(0.F);
    store(dlogits.row(row), i, math::fma(F(dloss[at]), p - w, before));
  }
};

}  // namespace loom
