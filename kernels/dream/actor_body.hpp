#pragma once
// Policies on lanes: one lane a row.
#include <kernels/dream/actor.hpp>
#include <kernels/dream/actor_rows.hpp>
#include <kernels/nn/categorical_body.hpp>
#include <kernels/nn/gaussian_body.hpp>

namespace loom {

/// Mean, deviation and their slopes of one action of a bounded normal policy.
template <class F>
struct BoundedNormal {
  F mean, deviation, dmean, ddeviation;

  HD BoundedNormal(ActorDeviation d, F m, F s) : mean(math::tanh(m)) {
    F const share = math::sigmoid(s + F(2.F));
    F const span = F(d.high - d.low);
    deviation = math::fma(span, share, F(d.low));
    dmean = F(1.F) - mean * mean;
    ddeviation = span * share * (F(1.F) - share);
  }
};

/// Of one action, as DrawActions wants it.
struct BoundedNormalPolicy {
  ActorDeviation deviation;

  template <class F>
  HD F mode(F m, F) const {
    return math::tanh(m);
  }
  template <class F>
  HD F draw(Random<F>& random, F m, F s) const {
    BoundedNormal<F> const b(deviation, m, s);
    return math::fma(b.deviation, random.normal(), b.mean);
  }
};

struct ActorNormalBackward {
  ActorDeviation deviation;
  InRows<float> raw;
  RowDraws draws;
  InRows<float> daction;
  In<float> dentropy;
  OutRows<float> draw;
  Out<float> entropy;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F const to_entropy = load(dentropy, i);
    F sum = F(0.F);
    draw_again(i, raw, draws, daction, draw, [&](Random<F>& random, F m, F s, F slope) {
      BoundedNormal<F> const b(deviation, m, s);
      F const noise = random.normal();
      sum = sum + gaussian_entropy(math::log(b.deviation));
      // dH / d deviation = 1 / deviation.
      return ActionSlopes<F>{slope * b.dmean,
                             math::fma(slope, noise, to_entropy / b.deviation) * b.ddeviation};
    });
    store(entropy, i, sum);
  }
};

struct ActorCategoricalMode {
  InRows<float> logits;
  Out<std::int32_t> index;
  OutRows<float> one_hot;

  template <class F>
  HD void operator()(Lane<F> i) const {
    auto const best = categorical_greedy<F>(logits.cols, RowReader<F>(logits, i));
    store(index, i, best);
    RowWriter<F> const out(one_hot, i);
    for (int k = 0; k < logits.cols; ++k) out(k, select(best == IntOf<F>(k), F(1.F), F(0.F)));
  }
};

/// Weight and advantage of a row.
template <class F>
struct ActorRow {
  F weight, advantage;

  HD ActorRow(ActorBatch const& b, Lane<F> i) : weight(load(b.weight, i)) {
    float const range = b.range.size != 0 ? math::max(b.range[0], 1.F) : 1.F;
    advantage = (F(load(b.returns, i)) - F(load(b.baseline, i))) / F(range);
  }
};

struct ActorCategoricalLoss {
  ActorConfig config;
  InRows<float> logits;
  In<std::int32_t> action;
  ActorBatch batch;
  OutRows<float> dlogits;
  ActorMetrics metrics;

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const n = logits.cols;
    ActorRow<F> const row(batch, i);
    RowReader<F> const logit(logits, i);
    auto const sums = categorical_sums<F>(n, logit);
    F const scale = F(1.F) / sums.sum, kept = F(1.F - config.unimix),
            spread = F(config.unimix / static_cast<float>(n));
    IntOf<F> const drawn = load(action, i);
    F entropy = F(0.F), mean = F(0.F), at_softmax = F(0.F), at_probability = F(1.F);
    for (int k = 0; k < n; ++k) {
      F const s = categorical_weight(sums, logit(k)) * scale;
      F const p = math::fma(kept, s, spread);
      F const log_p = log_probability(sums, logit(k), p);
      entropy = math::fma(-p, log_p, entropy);
      mean = math::fma(s, log_p, mean);
      at_softmax = select(drawn == IntOf<F>(k), s, at_softmax);
      at_probability = select(drawn == IntOf<F>(k), p, at_probability);
    }
    F const log_drawn = log_probability(sums, categorical_pick<F>(n, logit, drawn), at_probability);
    store(metrics.loss, i,
          -row.weight * math::fma(row.advantage, log_drawn, F(config.entropy) * entropy));
    store(metrics.entropy, i, entropy);
    // d log pi = kept s_a / p_a (onehot - s), d H = -kept s (log p - sum of s log p).
    F const outer = -row.weight * F(1.F / static_cast<float>(logits.rows)) * kept;
    F const score = outer * row.advantage * (at_softmax / at_probability);
    F const bonus = outer * F(config.entropy);
    RowWriter<F> const out(dlogits, i);
    for (int k = 0; k < n; ++k) {
      F const s = categorical_weight(sums, logit(k)) * scale;
      F const log_p = log_probability(sums, logit(k), math::fma(kept, s, spread));
      F const hit = select(drawn == IntOf<F>(k), F(1.F), F(0.F));
      out(k, math::fma(score, hit - s, bonus * s * (mean - log_p)));
    }
  }

 private:
  template <class F>
  HD F log_probability(CategoricalSums<F> const& sums, F logit, F probability) const {
    if (config.unimix > 0) return math::log(probability);
    return math::max(logit - sums.max, F(-87.F)) - sums.log_sum;
  }
};

struct ActorNormalLoss {
  ActorConfig config;
  InRows<float> raw, action;
  ActorBatch batch;
  OutRows<float> draw;
  ActorMetrics metrics;

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const n = action.cols;
    ActorRow<F> const row(batch, i);
    RowReader<F> const in(raw, i), taken(action, i);
    RowWriter<F> const out(draw, i);
    F const outer = -row.weight * F(1.F / static_cast<float>(raw.rows));
    F log_prob = F(0.F), entropy = F(0.F);
    for (int k = 0; k < n; ++k) {
      BoundedNormal<F> const b(config.deviation, in(k), in(n + k));
      F const inverse = F(1.F) / b.deviation, log_std = math::log(b.deviation);
      F const z = (taken(k) - b.mean) * inverse;
      log_prob = log_prob + (math::fma(F(-0.5F) * z, z, -log_std) - F(math::kHalfLogTwoPi));
      entropy = entropy + gaussian_entropy(log_std);
      out(k, outer * row.advantage * z * inverse * b.dmean);
      F const slope = math::fma(row.advantage, math::fma(z, z, F(-1.F)), F(config.entropy));
      out(n + k, outer * slope * inverse * b.ddeviation);
    }
    store(metrics.loss, i,
          -row.weight * math::fma(row.advantage, log_prob, F(config.entropy) * entropy));
    store(metrics.entropy, i, entropy);
  }
};

}  // namespace loom
