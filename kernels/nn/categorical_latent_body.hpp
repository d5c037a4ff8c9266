#pragma once
// Groups of categoricals on lanes: one lane a group of a row.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/sum_fold.hpp>
#include <kernels/nn/categorical_body.hpp>
#include <kernels/nn/categorical_latent.hpp>

namespace loom {

/// Probabilities (1 - unimix) softmax + unimix / classes of the logits that `logit`(k) gives.
template <class F, class Logit>
struct MixedCategorical {
  Logit logit;
  int classes;
  float unimix;
  CategoricalSums<F> sums;
  F scale;  // 1 / sum

  HD MixedCategorical(Logit const& of, int classes_, float unimix_)
      : logit(of),
        classes(classes_),
        unimix(unimix_),
        sums(categorical_sums<F>(classes, logit)),
        scale(F(1.F) / sums.sum) {}

  HD F operator()(int k) const { return logit(k); }
  /// softmax_k.
  HD F softmax(F of) const { return categorical_weight(sums, of) * scale; }
  HD F mixed(F softmax) const {
    return math::fma(F(1.F - unimix), softmax, F(unimix / static_cast<float>(classes)));
  }
  /// log of mixed(softmax(logit)).
  HD F log_probability(F of, F probability) const {
    if (unimix > 0) return math::log(probability);
    return math::max(of - sums.max, F(-87.F)) - sums.log_sum;
  }
  /// softmax / mixed(softmax).
  HD F share(F softmax, F probability) const { return unimix > 0 ? softmax / probability : F(1.F); }
  /// The inverse distribution function; the last class takes what rounding leaves.
  HD IntOf<F> draw(F uniform) const {
    F cumulative = F(0.F);
    IntOf<F> drawn(0);
    for (int k = 0; k + 1 < classes; ++k) {
      cumulative = cumulative + mixed(softmax(logit(k)));
      drawn = drawn + select(uniform >= cumulative, IntOf<F>(1), IntOf<F>(0));
    }
    return drawn;
  }
};

/// The logits of a lane's group in a row.
template <class F>
struct GroupLogits {
  float const* data;
  IntOf<F> offset;

  HD F operator()(int k) const { return gather(data + k, offset); }
};
template <class F>
struct LatentGroup : MixedCategorical<F, GroupLogits<F>> {
  IntOf<F> offset;

  HD LatentGroup(LatentShape const& shape, float const* row, Lane<F> group)
      : MixedCategorical<F, GroupLogits<F>>({row, iota(group) * IntOf<F>(shape.classes)},
                                            shape.classes, shape.unimix),
        offset(iota(group) * IntOf<F>(shape.classes)) {}
};

struct LatentSample {
  LatentShape shape;
  InRows<float> logits;
  RowDraws draws;
  Out<std::int32_t> index;
  OutRows<float> one_hot;

  template <class F>
  HD void operator()(int row, Lane<F> group) const {
    auto const at = static_cast<std::size_t>(row);
    auto const g = as_uint(iota(group));
    auto const block = draws.latent_block<UintOf<F>>(row, g >> 2);
    auto const word = as_int(g & UintOf<F>(3U));
    auto const bits =
        select(word < 2, select(word == 0, block.x, block.y), select(word == 2, block.z, block.w));
    F const uniform = unit_interval<F>(bits);
    LatentGroup<F> const group_of(shape, logits.row(row), group);
    IntOf<F> const drawn = group_of.draw(uniform);
    store(index.data + at * static_cast<std::size_t>(shape.groups), group, drawn);
    if (one_hot.data != nullptr)
      for (int k = 0; k < shape.classes; ++k)
        scatter(one_hot.row(row) + k, group_of.offset,
                select(drawn == IntOf<F>(k), F(1.F), F(0.F)));
  }
};

struct LatentSampleBackward {
  LatentShape shape;
  InRows<float> logits, done_hot;
  OutRows<float> dlogits;

  template <class F>
  HD void operator()(int row, Lane<F> group) const {
    LatentGroup<F> const of(shape, logits.row(row), group);
    F mean = F(0.F);
    for (int k = 0; k < shape.classes; ++k)
      mean = math::fma(of.softmax(of(k)), gather(done_hot.row(row) + k, of.offset), mean);
    for (int k = 0; k < shape.classes; ++k) {
      F const d = gather(done_hot.row(row) + k, of.offset) - mean;
      scatter(dlogits.row(row) + k, of.offset, F(1.F - shape.unimix) * of.softmax(of(k)) * d);
    }
  }
};

struct LatentKl : SumFold {
  LatentShape shape;
  InRows<float> posterior, prior;
  Out<float> kl;

  HD int items(int) const { return shape.groups; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> group) const {
    LatentGroup<F> const q(shape, posterior.row(row), group), p(shape, prior.row(row), group);
    for (int k = 0; k < shape.classes; ++k) {
      F const lq = q(k), lp = p(k);
      F const at_q = q.mixed(q.softmax(lq)), at_p = p.mixed(p.softmax(lp));
      v.sum = math::fma(at_q, q.log_probability(lq, at_q) - p.log_probability(lp, at_p), v.sum);
    }
  }
  HD void finish(int row, Value<float> const& v) const {
    kl[static_cast<std::size_t>(row)] = v.sum;
  }
};

struct LatentKlBackward {
  LatentShape shape;
  InRows<float> posterior, prior;
  KlWeights weights;
  OutRows<float> dposterior, dprior;

  template <class F>
  HD void operator()(int row, Lane<F> group) const {
    auto const at = static_cast<std::size_t>(row);
    F const to_q = F(weights.representation[at] * (1.F - shape.unimix)),
            to_p = F(weights.dynamics[at] * (1.F - shape.unimix));
    LatentGroup<F> const q(shape, posterior.row(row), group), p(shape, prior.row(row), group);
    // d KL / d q_k = log q_k - log p_k + 1 and d KL / d p_k = -q_k / p_k, each through a softmax.
    F mean = F(0.F), drawn = F(0.F);
    for (int k = 0; k < shape.classes; ++k) {
      auto const [s, slope, pulled] = terms(q, p, k);
      mean = math::fma(s, slope, mean);
      drawn = drawn + pulled;
    }
    for (int k = 0; k < shape.classes; ++k) {
      auto const [s, slope, pulled] = terms(q, p, k);
      F const dq = to_q * s * (slope - mean);
      F const dp = to_p * (p.softmax(p(k)) * drawn - pulled);
      scatter(dposterior.row(row) + k, q.offset, dq);
      scatter(dprior.row(row) + k, q.offset, dp);
    }
  }

 private:
  template <class F>
  struct Terms {
    F softmax, slope, pulled;
  };
  template <class F>
  HD static Terms<F> terms(LatentGroup<F> const& q, LatentGroup<F> const& p, int k) {
    F const lq = q(k), lp = p(k), s = q.softmax(lq), t = p.softmax(lp);
    F const at_q = q.mixed(s), at_p = p.mixed(t);
    return {s, q.log_probability(lq, at_q) - p.log_probability(lp, at_p), p.share(t, at_p) * at_q};
  }
};

}  // namespace loom
