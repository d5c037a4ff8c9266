#pragma once
// Categorical distribution over n classes, on lanes.
//
// Logits come through a callable logit(k) -> F, so that they may lie in a row-major matrix, in the
// exchange memory of a fused rollout or in registers.
#include <kernels/nn/rows.hpp>

namespace loom {

/// What every question about a categorical starts from: log p_k = logit(k) - max - log_sum.
template <class F>
struct CategoricalSums {
  F max, sum, log_sum;
};

/// exp(logit - max). Exactly 0 far below the maximum: a masked class (-inf, -1e9) is never drawn.
template <class F>
HD F categorical_weight(CategoricalSums<F> const& s, F logit) {
  F const d = logit - s.max;
  return select(d > F(-87.F), math::exp(d), F(0.F));
}

template <class F, class Logit>
HD CategoricalSums<F> categorical_sums(int n, Logit const& logit) {
  CategoricalSums<F> s{logit(0), F(0.F), F(0.F)};
  for (int k = 1; k < n; ++k) s.max = math::max(s.max, logit(k));
  for (int k = 0; k < n; ++k) s.sum = s.sum + categorical_weight(s, logit(k));
  s.log_sum = math::log(s.sum);
  return s;
}

/// logit(action), the action differing between lanes.
template <class F, class Logit>
HD F categorical_pick(int n, Logit const& logit, IntOf<F> action) {
  F picked = logit(0);
  for (int k = 1; k < n; ++k) picked = select(action == IntOf<F>(k), F(logit(k)), picked);
  return picked;
}

template <class F, class Logit>
HD F categorical_log_prob(CategoricalSums<F> const& s, int n, Logit const& logit, IntOf<F> action) {
  return categorical_pick<F>(n, logit, action) - s.max - s.log_sum;
}
template <class F, class Logit>
HD F categorical_log_prob(int n, Logit const& logit, IntOf<F> action) {
  return categorical_log_prob(categorical_sums<F>(n, logit), n, logit, action);
}

/// -sum p log p = log_sum - sum p (logit - max); finite with masked classes.
template <class F, class Logit>
HD F categorical_entropy(CategoricalSums<F> const& s, int n, Logit const& logit) {
  F dot = F(0.F);
  for (int k = 0; k < n; ++k) {
    F const d = logit(k) - s.max;
    // 0 * -inf would be NaN: such a class contributes nothing.
    dot = math::fma(categorical_weight(s, F(logit(k))), math::max(d, F(-87.F)), dot);
  }
  return s.log_sum - dot / s.sum;
}
template <class F, class Logit>
HD F categorical_entropy(int n, Logit const& logit) {
  return categorical_entropy(categorical_sums<F>(n, logit), n, logit);
}

/// Inverse CDF of one uniform number in [0, 1): the first class whose cumulative weight exceeds
/// uniform * sum, the last one where rounding leaves none.
template <class F, class Logit>
HD IntOf<F> categorical_sample(CategoricalSums<F> const& s, int n, Logit const& logit, F uniform) {
  F const target = uniform * s.sum;
  F cumulative = F(0.F);
  IntOf<F> action(0);
  // The sum grows monotonically, so the class is the number of partial sums not above the target.
  for (int k = 0; k + 1 < n; ++k) {
    cumulative = cumulative + categorical_weight(s, F(logit(k)));
    action = action + select(target >= cumulative, IntOf<F>(1), IntOf<F>(0));
  }
  return action;
}
template <class F, class Logit>
HD IntOf<F> categorical_sample(int n, Logit const& logit, F uniform) {
  return categorical_sample(categorical_sums<F>(n, logit), n, logit, uniform);
}

/// The class of the greatest logit; the lowest index among equals.
template <class F, class Logit>
HD IntOf<F> categorical_greedy(int n, Logit const& logit) {
  F best = logit(0);
  IntOf<F> action(0);
  for (int k = 1; k < n; ++k) {
    F const l = logit(k);
    auto const better = l > best;
    best = select(better, l, best);
    action = select(better, IntOf<F>(k), action);
  }
  return action;
}

struct CategoricalLogProb {
  InRows<float> logits;
  In<std::int32_t> action;
  Out<float> log_prob;

  template <class F>
  HD void operator()(Lane<F> i) const {
    RowReader<F> const logit(logits, i);
    store(log_prob, i, categorical_log_prob<F>(logits.cols, logit, load(action, i)));
  }
};

struct CategoricalEntropy {
  InRows<float> logits;
  Out<float> entropy;

  template <class F>
  HD void operator()(Lane<F> i) const {
    RowReader<F> const logit(logits, i);
    store(entropy, i, categorical_entropy<F>(logits.cols, logit));
  }
};

struct CategoricalSample {
  InRows<float> logits;
  RowDraws draws;
  Out<std::int32_t> action;
  Out<float> log_prob;  // may be empty

  template <class F>
  HD void operator()(Lane<F> i) const {
    RowReader<F> const logit(logits, i);
    auto const s = categorical_sums<F>(logits.cols, logit);
    IntOf<F> const a = categorical_sample<F>(s, logits.cols, logit, draws.random(i).uniform());
    store(action, i, a);
    if (log_prob.size != 0) store(log_prob, i, categorical_log_prob<F>(s, logits.cols, logit, a));
  }
};

struct CategoricalGreedy {
  InRows<float> logits;
  Out<std::int32_t> action;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(action, i, categorical_greedy<F>(logits.cols, RowReader<F>(logits, i)));
  }
};

}  // namespace loom
