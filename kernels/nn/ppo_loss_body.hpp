#pragma once
// The loss of proximal policy optimisation and its gradient, on lanes: one lane a row of the
// minibatch.
#include <kernels/linalg/reduce_body.hpp>
#include <kernels/nn/categorical_body.hpp>
#include <kernels/nn/gaussian_body.hpp>

namespace loom {

struct PpoConfig {
  float clip = 0.2F;  ///< epsilon, of the ratio and of the value
  bool clip_value = true;
  float value_coefficient = 0.5F;
  bool normalise_advantage = true;  ///< per minibatch: (A - mean) / (deviation + 1e-8)
};

/// What a rollout and the value function know of every row.
struct PpoBatch {
  In<float> value;  ///< of the network being trained
  In<float> old_log_prob, old_value, advantage, returns;
};

/// Means over a minibatch; explained variance is 1 - residual_variance / return_variance.
enum class PpoMetric {
  policy_loss,
  value_loss,
  entropy,
  kl_k1,          ///< mean(-log ratio)
  kl_k3,          ///< mean(ratio - 1 - log ratio), never negative
  clip_fraction,  ///< of rows whose ratio lies outside of 1 -+ clip
  return_variance,
  residual_variance,  ///< of return - value
  minibatches         ///< 1; in the sums their number
};
inline constexpr int kPpoMetrics = 9;

/// Both (kPpoMetrics), in device memory.
struct PpoMetrics {
  Out<float> latest;  ///< of the last minibatch
  Out<float> sums;    ///< latest is added to it; the caller zeroes it when it has read it
};

template <class F>
struct PpoTerms {
  F policy_loss, value_loss, entropy, log_ratio;
  F d_log_prob, d_value;  // of policy_loss and of value_loss
  MaskOf<F> clipped;
};

/// One row; `advantage` is normalised already.
template <class F>
HD PpoTerms<F> ppo_terms(PpoConfig const& c, F log_prob, F old_log_prob, F advantage, F value,
                         F old_value, F returns) {
  PpoTerms<F> r;
  F const epsilon = F(c.clip);
  r.log_ratio = log_prob - old_log_prob;
  F const ratio = math::exp(r.log_ratio);
  F const low = F(1.F) - epsilon, high = F(1.F) + epsilon;
  r.clipped = (ratio < low) | (ratio > high);
  F const plain = -advantage * ratio;
  F const bounded = -advantage * math::clamp(ratio, low, high);
  // Where the bound is the greater, the ratio has already improved past it: no gradient.
  auto const binds = bounded > plain;
  r.policy_loss = select(binds, bounded, plain);
  r.d_log_prob = select(binds, F(0.F), plain);

  F const error = value - returns;
  r.value_loss = F(0.5F) * error * error;
  r.d_value = error;
  if (c.clip_value) {
    F const moved = value - old_value;
    F const clipped_error = old_value + math::clamp(moved, -epsilon, epsilon) - returns;
    auto const greater =
        (math::abs(moved) > epsilon) & (clipped_error * clipped_error > error * error);
    r.value_loss = select(greater, F(0.5F) * clipped_error * clipped_error, r.value_loss);
    r.d_value = select(greater, F(0.F), error);
  }
  return r;
}

/// Writes scale * d(policy_loss - entropy_coefficient * entropy) / d logits; completes
/// terms.entropy.
template <class F, class Logit, class Write>
HD void ppo_categorical_gradient(CategoricalSums<F> const& s, int n, Logit const& logit,
                                 IntOf<F> action, F scale, F entropy_coefficient,
                                 PpoTerms<F>& terms, Write const& d_logit) {
  terms.entropy = categorical_entropy<F>(s, n, logit);
  F const inverse = F(1.F) / s.sum;
  F const policy = scale * terms.d_log_prob;
  F const entropy = scale * entropy_coefficient;
  for (int k = 0; k < n; ++k) {
    F const l = logit(k);
    F const p = categorical_weight(s, l) * inverse;
    F const log_p = math::max(l - s.max, F(-87.F)) - s.log_sum;
    F const chosen = select(action == IntOf<F>(k), F(1.F), F(0.F));
    // d log p_a / d l_k = [k = a] - p_k;  d entropy / d l_k = -p_k (log p_k + entropy)
    d_logit(k, math::fma(policy, chosen - p, entropy * p * (log_p + terms.entropy)));
  }
}

/// Writes scale * d policy_loss / d mean; the entropy does not depend on the mean.
template <class F, class X, class Mean, class LogStd, class Write>
HD void ppo_gaussian_gradient(int n, X const& x, Mean const& mean, LogStd const& log_std, F scale,
                              PpoTerms<F>& terms, Write const& d_mean) {
  terms.entropy = gaussian_entropy<F>(n, log_std);
  F const policy = scale * terms.d_log_prob;
  for (int k = 0; k < n; ++k)
    d_mean(k, policy * (x(k) - mean(k)) * math::exp(F(-2.F) * log_std(k)));
}

/// d log_prob / d log_std of one dimension.
template <class F>
HD F gaussian_log_prob_d_log_std(F x, F mean, F log_std) {
  F const z = (x - mean) * math::exp(-log_std);
  return math::fma(z, z, F(-1.F));
}

// ---- sums over the minibatch ----

template <class F>
struct PpoSums {
  F policy_loss, value_loss, entropy, kl_k1, kl_k3, clipped;
  reduction::MomentsValue<F> returns, residual;
};

struct PpoRule {
  template <class F>
  using Value = PpoSums<F>;
  static constexpr int kParts = 12;

  template <class F>
  HD static PpoSums<F> empty() {
    F const z = F(0.F);
    return {z, z, z, z, z, z, reduction::Moments::empty<F>(), reduction::Moments::empty<F>()};
  }
  template <class F>
  HD static void add(PpoSums<F>& v, PpoTerms<F> const& t, F returns, F value) {
    v.policy_loss = v.policy_loss + t.policy_loss;
    v.value_loss = v.value_loss + t.value_loss;
    v.entropy = v.entropy + t.entropy;
    v.kl_k1 = v.kl_k1 - t.log_ratio;
    // expm1: ratio - 1 - log ratio cancels to nothing near a ratio of 1.
    v.kl_k3 = v.kl_k3 + (math::expm1(t.log_ratio) - t.log_ratio);
    v.clipped = v.clipped + select(t.clipped, F(1.F), F(0.F));
    reduction::Moments::add(v.returns, returns);
    reduction::Moments::add(v.residual, returns - value);
  }
  template <class F>
  HD static void close(PpoSums<F>& v) {
    reduction::Moments::close(v.returns);
    reduction::Moments::close(v.residual);
  }
  template <class F>
  HD static PpoSums<F> merge(PpoSums<F> const& a, PpoSums<F> const& b) {
    return {a.policy_loss + b.policy_loss,
            a.value_loss + b.value_loss,
            a.entropy + b.entropy,
            a.kl_k1 + b.kl_k1,
            a.kl_k3 + b.kl_k3,
            a.clipped + b.clipped,
            reduction::Moments::merge(a.returns, b.returns),
            reduction::Moments::merge(a.residual, b.residual)};
  }
  template <class F>
  HD static PpoSums<F> from_parts(F const* p) {
    return {p[0],
            p[1],
            p[2],
            p[3],
            p[4],
            p[5],
            reduction::Moments::from_parts(p + 6),
            reduction::Moments::from_parts(p + 9)};
  }
  template <class F>
  HD static void to_parts(PpoSums<F> const& v, F* p) {
    p[0] = v.policy_loss;
    p[1] = v.value_loss;
    p[2] = v.entropy;
    p[3] = v.kl_k1;
    p[4] = v.kl_k3;
    p[5] = v.clipped;
    reduction::Moments::to_parts(v.returns, p + 6);
    reduction::Moments::to_parts(v.residual, p + 9);
  }
};

/// Rows of a minibatch in slabs: 128 rows a block, more from 256 blocks on.
struct PpoPlan {
  int slab, slabs;
};
inline PpoPlan ppo_plan(int rows) {
  int const most = 256;
  int slab = (rows + most - 1) / most;
  slab = (slab + kFoldLanes - 1) / kFoldLanes * kFoldLanes;
  if (slab == 0) slab = kFoldLanes;
  return {slab, (rows + slab - 1) / slab};
}

/// Mean and inverse deviation (over n - 1) of the advantages.
struct StoreAdvantage {
  float* words;
  HD void operator()(int, reduction::MomentsValue<float> const& v) const {
    words[0] = v.mean;
    words[1] = 1.F / (math::sqrt(v.squares / math::max(v.count - 1.F, 1.F)) + 1e-8F);
  }
};

struct StorePpoMetrics {
  PpoMetrics metrics;
  float scale;  // 1 / rows

  HD void operator()(int, PpoSums<float> const& v) const {
    float const mean[kPpoMetrics] = {v.policy_loss * scale,
                                     v.value_loss * scale,
                                     v.entropy * scale,
                                     v.kl_k1 * scale,
                                     v.kl_k3 * scale,
                                     v.clipped * scale,
                                     v.returns.squares * scale,
                                     v.residual.squares * scale,
                                     1.F};
    LOOM_UNROLL
    for (int m = 0; m < kPpoMetrics; ++m) {
      metrics.latest.data[m] = mean[m];
      metrics.sums.data[m] += mean[m];
    }
  }
};

/// What both losses share: the row's place, its advantage, its gradient of the value, its sums.
struct PpoRows : PpoRule {
  using Rule = PpoRule;
  PpoConfig config;
  PpoBatch batch;
  PpoPlan plan;
  int rows;
  float scale;               // 1 / rows
  float const* advantage;    // mean and inverse deviation; null if taken as it is
  float const* coefficient;  // of the entropy
  Out<float> d_value;
  float* slots;

  HD int items(int output) const {
    int const left = rows - output * plan.slab;
    return left < plan.slab ? left : plan.slab;
  }
  HD void finish(int output, PpoSums<float> const& v) const {
    to_parts(v, slots + static_cast<std::ptrdiff_t>(output) * kParts);
  }
  template <class F>
  HD PpoTerms<F> terms(Lane<F> row, F log_prob) const {
    F a = load(batch.advantage, row);
    if (advantage != nullptr) a = (a - F(advantage[0])) * F(advantage[1]);
    auto const t =
        ppo_terms<F>(config, log_prob, load(batch.old_log_prob, row), a, load(batch.value, row),
                     load(batch.old_value, row), load(batch.returns, row));
    store(d_value, row, F(scale * config.value_coefficient) * t.d_value);
    return t;
  }
};

struct PpoDiscrete : PpoRows {
  InRows<float> logits;
  In<std::int32_t> action;
  OutRows<float> d_logits;

  template <class F>
  HD void add(PpoSums<F>& v, int output, Lane<F> item) const {
    Lane<F> const row{output * plan.slab + item.index};
    RowReader<F> const logit(logits, row);
    int const n = logits.cols;
    auto const s = categorical_sums<F>(n, logit);
    IntOf<F> const a = load(action, row);
    auto t = terms(row, categorical_log_prob<F>(s, n, logit, a));
    ppo_categorical_gradient<F>(s, n, logit, a, F(scale), F(coefficient[0]), t,
                                RowWriter<F>(d_logits, row));
    PpoRule::add(v, t, load(batch.returns, row), load(batch.value, row));
  }
};

struct PpoGaussian : PpoRows {
  InRows<float> mean;
  In<float> log_std;
  InRows<float> action;
  OutRows<float> d_mean;
  Out<float> d_log_prob;  // (rows), for the gradient of log_std

  template <class F>
  HD void add(PpoSums<F>& v, int output, Lane<F> item) const {
    Lane<F> const row{output * plan.slab + item.index};
    RowReader<F> const m(mean, row), x(action, row);
    Shared<F> const s{log_std.data};
    auto t = terms(row, gaussian_log_prob<F>(mean.cols, x, m, s));
    ppo_gaussian_gradient<F>(mean.cols, x, m, s, F(scale), t, RowWriter<F>(d_mean, row));
    store(d_log_prob, row, F(scale) * t.d_log_prob);
    PpoRule::add(v, t, load(batch.returns, row), load(batch.value, row));
  }
};

/// Output s * dimensions + k: the sum over slab s of d policy_loss / d log_std[k].
struct PpoLogStd : reduction::Sum {
  InRows<float> mean;
  In<float> log_std;
  InRows<float> action;
  In<float> d_log_prob;
  PpoPlan plan;
  float* slots;

  HD int items(int output) const {
    int const left = mean.rows - output / mean.cols * plan.slab;
    return left < plan.slab ? left : plan.slab;
  }
  template <class F>
  HD void add(reduction::Total<F>& v, int output, Lane<F> item) const {
    int const slab = output / mean.cols, k = output - slab * mean.cols;
    Lane<F> const row{slab * plan.slab + item.index};
    F const slope = gaussian_log_prob_d_log_std<F>(RowReader<F>(action, row)(k),
                                                   RowReader<F>(mean, row)(k), F(log_std.data[k]));
    v.sum = math::fma(load(d_log_prob, row), slope, v.sum);
  }
  HD void finish(int output, reduction::Total<float> const& v) const { slots[output] = v.sum; }
};

/// The whole gradient of log_std[k]: the entropy grows by one with each.
struct StoreLogStdGradient {
  float* d_log_std;
  float const* coefficient;
  HD void operator()(int k, reduction::Total<float> const& v) const {
    d_log_std[k] = v.sum - *coefficient;
  }
};

}  // namespace loom
