#pragma once
// Truncated normal policies on lanes: one lane a row.
#include <kernels/core/math.hpp>
#include <kernels/dream/actor_rows.hpp>
#include <kernels/dream/truncated_actor.hpp>

namespace loom {

/// Density of the standard normal distribution.
template <class F>
HD F normal_density(F x) {
  return F(0.398942280401432678F) * math::exp(F(-0.5F) * (x * x));
}

/// Its distribution function, to 2e-7 of itself in the lower tail and 1e-7 above.
/// Source   the Chebyshev fit of Press et al. 1992, "Numerical recipes", section 6.2.
template <class F>
HD F normal_below(F x) {
  F const y = math::abs(x) * F(0.707106781186547524F);
  F const t = F(1.F) / math::fma(F(0.5F), y, F(1.F));
  F p = math::fma(t, F(0.17087277F), F(-0.82215223F));
  p = math::fma(t, p, F(1.48851587F));
  p = math::fma(t, p, F(-1.13520398F));
  p = math::fma(t, p, F(0.27886807F));
  p = math::fma(t, p, F(-0.18628806F));
  p = math::fma(t, p, F(0.09678418F));
  p = math::fma(t, p, F(0.37409196F));
  p = math::fma(t, p, F(1.00002368F));
  p = math::fma(t, p, F(-1.26551223F));
  F const tail = F(0.5F) * t * math::exp(math::max(math::fma(-y, y, p), F(-87.F)));
  return select(x < F(0.F), tail, F(1.F) - tail);
}

/// The x below which a share p of it lies, 0 < p < 1.
/// Source   Giles 2010, "Approximating the erfinv function", single precision.
template <class F>
HD F normal_quantile(F p) {
  F const x = math::fma(F(2.F), p, F(-1.F));
  // (1 - x)(1 + x) from p itself keeps the tails.
  F const w = -math::log(F(4.F) * (p * (F(1.F) - p)));
  F const a = w - F(2.5F);
  F near = math::fma(F(2.81022636e-08F), a, F(3.43273939e-07F));
  near = math::fma(near, a, F(-3.5233877e-06F));
  near = math::fma(near, a, F(-4.39150654e-06F));
  near = math::fma(near, a, F(0.00021858087F));
  near = math::fma(near, a, F(-0.00125372503F));
  near = math::fma(near, a, F(-0.00417768164F));
  near = math::fma(near, a, F(0.246640727F));
  near = math::fma(near, a, F(1.50140941F));
  F const b = math::sqrt(math::max(w, F(0.F))) - F(3.F);
  F far = math::fma(F(-0.000200214257F), b, F(0.000100950558F));
  far = math::fma(far, b, F(0.00134934322F));
  far = math::fma(far, b, F(-0.00367342844F));
  far = math::fma(far, b, F(0.00573950773F));
  far = math::fma(far, b, F(-0.0076224613F));
  far = math::fma(far, b, F(0.00943887047F));
  far = math::fma(far, b, F(1.00167406F));
  far = math::fma(far, b, F(2.83297682F));
  return F(1.41421356237309505F) * (select(w < F(5.F), near, far) * x);
}

/// One action's distribution; low and high are the ends in its own unit.
template <class F>
struct TruncatedNormal {
  F mean, deviation, dmean, ddeviation;
  F low, high, below_low, share;  // ends, what lies below the lower one, and between both

  HD TruncatedNormal(F m, F s) : mean(math::tanh(m)) {
    F const half = math::sigmoid(F(0.5F) * s);
    deviation = math::fma(F(2.F), half, F(0.1F));
    dmean = F(1.F) - mean * mean;
    ddeviation = half * (F(1.F) - half);
    F const inverse = F(1.F) / deviation;
    low = (F(-1.F) - mean) * inverse;
    high = (F(1.F) - mean) * inverse;
    below_low = normal_below(low);
    share = normal_below(high) - below_low;
  }
  /// The draw of a uniform number, before the mean is added.
  HD F drawn(F uniform) const {
    F const p = math::fma(uniform, share, below_low);
    return normal_quantile(math::clamp(p, F(1e-30F), F(0.99999994F)));
  }
  HD F action(F z) const {
    return math::clamp(math::fma(deviation, z, mean), F(-1.F + 1e-6F), F(1.F - 1e-6F));
  }
};

/// Of one action, as DrawActions wants it.
struct TruncatedPolicy {
  template <class F>
  HD F mode(F m, F) const {
    return math::tanh(m);
  }
  template <class F>
  HD F draw(Random<F>& random, F m, F s) const {
    TruncatedNormal<F> const d(m, s);
    return d.action(d.drawn(random.uniform()));
  }
};

struct TruncatedActorBackward {
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
      TruncatedNormal<F> const d(m, s);
      F const u = random.uniform(), z = d.drawn(u), inverse = F(1.F) / d.deviation;
      F const at_low = normal_density(d.low), at_high = normal_density(d.high);
      // The share below the draw stays u: what the ends move by, the draw moves by.
      F const low = (F(1.F) - u) * at_low, high = u * at_high, here = F(1.F) / normal_density(z);
      F const by_mean = F(1.F) - (low + high) * here;
      F const by_deviation = z - math::fma(low, d.low, high * d.high) * here;
      // H = log(sqrt(2 pi e) deviation share) + (low phi(low) - high phi(high)) / (2 share).
      F const between = F(1.F) / d.share;
      F const excess = d.low * at_low - d.high * at_high;
      sum = sum + (math::log(d.deviation * d.share) + F(0.5F + math::kHalfLogTwoPi) +
                   F(0.5F) * excess * between);
      // Slopes of the ends: -1 / deviation by the mean, -end / deviation by the deviation.
      auto const entropy_slope = [&](F low_slope, F high_slope) {
        F const dshare = at_high * high_slope - at_low * low_slope;
        F const dexcess = low_slope * at_low * (F(1.F) - d.low * d.low) -
                          high_slope * at_high * (F(1.F) - d.high * d.high);
        return dshare * between + F(0.5F) * (dexcess - excess * dshare * between) * between;
      };
      F const h_mean = entropy_slope(-inverse, -inverse);
      F const h_deviation = inverse + entropy_slope(-d.low * inverse, -d.high * inverse);
      return ActionSlopes<F>{
          math::fma(slope, by_mean, to_entropy * h_mean) * d.dmean,
          math::fma(slope, by_deviation, to_entropy * h_deviation) * d.ddeviation};
    });
    store(entropy, i, sum);
  }
};

}  // namespace loom
