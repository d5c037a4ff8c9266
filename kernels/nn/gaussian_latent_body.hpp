#pragma once
// Diagonal Gaussian latents on lanes: one lane a number.
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/random.hpp>
#include <kernels/core/sum_fold.hpp>
#include <kernels/nn/gaussian_latent.hpp>

namespace loom {

/// Number d of what Random(seed, stream, tick, Purpose::latent).normal() gives one after the other.
template <class F>
HD F latent_noise(RowDraws const& draws, int row, Lane<F> d) {
  auto const number = as_uint(iota(d));
  auto const block = draws.latent_block<UintOf<F>>(row, number >> 1);
  auto const even = as_int(number & UintOf<F>(1U)) == 0;
  return normal_of(unit_interval<F>(select(even, block.x, block.z)),
                   unit_interval<F>(select(even, block.y, block.w)));
}

struct GaussianLatentSample {
  GaussianRows latent;
  RowDraws draws;
  OutRows<float> z;
  int each;  // draws of a row

  template <class F>
  HD void operator()(int row, Lane<F> d) const {
    int const from = row / each;
    store(z.row(row), d,
          math::fma(math::exp(F(load(latent.log_std.row(from), d))), latent_noise(draws, row, d),
                    F(load(latent.mean.row(from), d))));
  }
};

/// One lane a row: rows of a few numbers would leave packs along them half empty (3 times as fast for 14).
struct GaussianLatentPriorSample {
  float clip;
  RowDraws draws;
  OutRows<float> z;

  template <class F>
  HD void operator()(Lane<F> row) const {
    using U = UintOf<F>;
    RowWriter<F> const write(z, row);
    U const stream = load(draws.stream, row),
            tick = draws.tick.size == 1 ? U(draws.tick[0]) : load(draws.tick, row);
    for (int d = 0; d < z.cols; d += 2) {
      auto const block = philox<U>({stream, tick, U(static_cast<std::uint32_t>(Purpose::latent)),
                                    U(static_cast<std::uint32_t>(d / 2))},
                                   draws.seed);
      auto const number = [&](U u, U v) {
        return math::clamp(normal_of(unit_interval<F>(u), unit_interval<F>(v)), F(-clip), F(clip));
      };
      write(d, number(block.x, block.y));
      if (d + 1 < z.cols) write(d + 1, number(block.z, block.w));
    }
  }
};

struct GaussianLatentSampleBackward {
  InRows<float> log_std;
  RowDraws draws;
  InRows<float> dz;
  OutRows<float> dlog_std;

  template <class F>
  HD void operator()(int row, Lane<F> d) const {
    F const slope = math::exp(F(load(log_std.row(row), d))) * latent_noise(draws, row, d);
    store(dlog_std.row(row), d, F(load(dz.row(row), d)) * slope);
  }
};

/// Two numbers' distributions, seen from the prior's deviation.
template <class F>
struct GaussianPair {
  F distance, ratio, log_ratio, precision;  // (m1 - m2) / s2, (s1 / s2)^2, log of s1 / s2, 1 / s2

  HD GaussianPair(GaussianRows const& posterior, GaussianRows const& prior, int row, Lane<F> d) {
    F mean = load(posterior.mean.row(row), d), log_std = load(posterior.log_std.row(row), d);
    precision = F(1.F);
    if (prior.mean.data != nullptr) {
      F const scale = load(prior.log_std.row(row), d);
      precision = math::exp(-scale);
      mean = mean - load(prior.mean.row(row), d);
      log_std = log_std - scale;
    }
    distance = mean * precision;
    log_ratio = log_std;
    ratio = math::exp(F(2.F) * log_std);
  }
  HD F kl() const { return F(0.5F) * (math::fma(distance, distance, ratio) - F(1.F)) - log_ratio; }
};

struct GaussianLatentKl : SumFold {
  GaussianRows posterior, prior;
  Out<float> kl;

  HD int items(int) const { return posterior.mean.cols; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> d) const {
    v.sum = v.sum + GaussianPair<F>(posterior, prior, row, d).kl();
  }
  HD void finish(int row, Value<float> const& v) const {
    kl[static_cast<std::size_t>(row)] = v.sum;
  }
};

struct GaussianLatentLogRatio : SumFold {
  GaussianRows posterior;
  InRows<float> z;
  Out<float> log_ratio;
  int each;  // draws of a row

  HD int items(int) const { return z.cols; }
  template <class F>
  HD void add(Value<F>& v, int row, Lane<F> d) const {
    int const from = row / each;
    F const x = load(z.row(row), d), log_std = load(posterior.log_std.row(from), d);
    F const epsilon = (x - F(load(posterior.mean.row(from), d))) * math::exp(-log_std);
    v.sum = v.sum + (F(0.5F) * (epsilon - x) * (epsilon + x) + log_std);
  }
  HD void finish(int row, Value<float> const& v) const {
    log_ratio[static_cast<std::size_t>(row)] = v.sum;
  }
};

struct GaussianLatentKlBackward {
  GaussianRows posterior, prior;
  KlWeights weights;
  GaussianGradients dposterior, dprior;

  template <class F>
  HD void operator()(int row, Lane<F> d) const {
    auto const at = static_cast<std::size_t>(row);
    GaussianPair<F> const pair(posterior, prior, row, d);
    F const to_mean = pair.distance * pair.precision, to_log_std = pair.ratio - F(1.F);
    F const q = F(weights.representation[at]);
    store(dposterior.mean.row(row), d, q * to_mean);
    store(dposterior.log_std.row(row), d, q * to_log_std);
    if (dprior.mean.data == nullptr) return;
    F const p = -F(weights.dynamics[at]);
    store(dprior.mean.row(row), d, p * to_mean);
    store(dprior.log_std.row(row), d, p * math::fma(pair.distance, pair.distance, to_log_std));
  }
};

}  // namespace loom
