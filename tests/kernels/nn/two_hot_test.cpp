#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/two_hot.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kBins = 255;

/// Weights by search, as the reference implementation has them.
std::vector<double> weights_of(std::vector<float> const& bins, double x) {
  std::vector<double> w(bins.size());
  auto const after = std::upper_bound(bins.begin(), bins.end(), x,
                                      [](double v, float bin) { return v < double(bin); });
  if (after == bins.begin()) {
    w.front() = 1;
  } else if (after == bins.end()) {
    w.back() = 1;
  } else {
    auto const k = static_cast<std::size_t>(after - bins.begin());
    double const low = bins[k - 1], high = bins[k];
    w[k - 1] = (high - x) / (high - low);
    w[k] = (x - low) / (high - low);
  }
  return w;
}

double log_sum_exp(std::vector<double> const& x) {
  double const most = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double v : x) sum += std::exp(v - most);
  return most + std::log(sum);
}

struct Heads {
  int rows, count, gap;
  std::vector<float> bins = two_hot_bins(count);
  std::vector<float> logits =
      normal_numbers(static_cast<std::size_t>(rows * (count + gap)), 0, 3, 1);
  std::vector<float> target = targets(),
                     dloss = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 3);

  /// Of every size, and some beyond the ends and on a bin.
  std::vector<float> targets() const {
    auto x = normal_numbers(static_cast<std::size_t>(rows), 0, 6, 2);
    for (float& v : x) v = std::copysign(std::expm1(std::abs(v)), v);
    std::vector<float> const special{0.F, 1e9F, -1e9F, bins[1], 1.F};
    std::copy_n(special.begin(), std::min<std::ptrdiff_t>(5, rows), x.begin());
    return x;
  }
  std::vector<double> row(int r) const {
    auto const first = logits.begin() + r * (count + gap);
    return {first, first + count};
  }
};

struct Outcome {
  std::vector<float> loss, mean, dlogits, dlogits_of_mean;
  bool operator==(Outcome const&) const = default;
};

Outcome solved(Exec const& exec, Heads const& h) {
  auto const bins = uploaded(exec, h.bins), logits = uploaded(exec, h.logits),
             target = uploaded(exec, h.target), dloss = uploaded(exec, h.dloss);
  auto const n = static_cast<std::size_t>(h.rows);
  Buffer<float> loss(exec, n), normaliser(exec, n), mean(exec, n);
  auto dlogits = zeros<float>(exec, h.logits.size()),
       dlogits_of_mean = zeros<float>(exec, h.logits.size());
  InRows<float> const rows(logits.data(), h.rows, h.count, h.count + h.gap);
  visit(exec, [&](auto e) {
    two_hot_loss(e, bins, rows, target, loss.out(), normaliser.out());
    two_hot_mean(e, bins, rows, mean.out());
    two_hot_backward(e, bins, rows, target, normaliser.in(), dloss,
                     {dlogits.data(), h.rows, h.count, h.count + h.gap});
    two_hot_mean_backward(e, bins, rows, dloss,
                          {dlogits_of_mean.data(), h.rows, h.count, h.count + h.gap});
  });
  return {download(loss), download(mean), download(dlogits), download(dlogits_of_mean)};
}

TEST(TwoHot, BinsAreThePublishedOnes) {
  auto const bins = two_hot_bins(kBins);
  ASSERT_EQ(bins.size(), 255U);
  EXPECT_NEAR(bins[254], 4.851652e8, 50);
  EXPECT_EQ(bins[127], 0);
  EXPECT_NEAR(bins[128], .170558, 1e-6);
  for (std::size_t k = 0; k < bins.size(); ++k) EXPECT_EQ(bins[k], -bins[254 - k]);
  EXPECT_TRUE(std::is_sorted(bins.begin(), bins.end()));
  EXPECT_THROW(two_hot_bins(254), ShapeError);
}

// With all logits 0 and dloss -1 the gradient is w - 1/K.
TEST(TwoHot, WeightsAreLinearBetweenNeighboursAndGiveTheTargetBack) {
  auto const bins = two_hot_bins(kBins);
  std::vector<float> target{1.F, 0.F, -3.7F, 123456.F, -4e8F, 1e-3F};
  int const rows = static_cast<int>(target.size());
  std::vector<float> const logits(target.size() * kBins), dloss(target.size(), -1.F);
  for (Exec const& exec : every_machine()) {
    auto const b = uploaded(exec, bins), x = uploaded(exec, target), l = uploaded(exec, logits),
               d = uploaded(exec, dloss);
    Buffer<float> loss(exec, target.size()), normaliser(exec, target.size()),
        dlogits(exec, logits.size());
    visit(exec, [&](auto e) {
      InRows<float> const all(l.data(), rows, kBins);
      two_hot_loss(e, b, all, x, loss.out(), normaliser.out());
      two_hot_backward(e, b, all, x, normaliser.in(), d, {dlogits.data(), rows, kBins});
    });
    auto const got = download(dlogits);
    auto const weight = [&](int r, int k) {
      return double(got[static_cast<std::size_t>(r * kBins + k)]) + 1. / kBins;
    };
    EXPECT_NEAR(weight(0, 131), .617329, 2e-6);
    EXPECT_NEAR(weight(0, 132), .382671, 2e-6);
    for (int r = 0; r < rows; ++r) {
      double sum = 0, mean = 0, most = 0;
      for (int k = 0; k < kBins; ++k) {
        if (weight(r, k) < 1e-6) continue;
        sum += weight(r, k);
        mean += weight(r, k) * bins[static_cast<std::size_t>(k)];
        most = std::max(most, std::abs(double(bins[static_cast<std::size_t>(k)])));
      }
      EXPECT_NEAR(sum, 1, 1e-6) << target[static_cast<std::size_t>(r)];
      EXPECT_NEAR(mean, target[static_cast<std::size_t>(r)], 1e-6 * most);
    }
  }
}

TEST(TwoHot, EqualLogitsMeanExactlyZero) {
  auto const bins = two_hot_bins(kBins);
  for (float const logit : {0.F, -7.3F, 1e4F})
    for (Exec const& exec : every_machine()) {
      auto const b = uploaded(exec, bins), l = uploaded(exec, std::vector<float>(3 * kBins, logit));
      Buffer<float> mean(exec, 3);
      visit(exec, [&](auto e) { two_hot_mean(e, b, {l.data(), 3, kBins}, mean.out()); });
      EXPECT_EQ(download(mean), std::vector<float>(3, 0.F));
    }
}

TEST(TwoHot, SlopesOfTheMeanOfEqualLogitsAreMirrored) {
  auto const bins = two_hot_bins(kBins);
  for (float const logit : {0.F, -7.3F, 1e4F})
    for (Exec const& exec : every_machine()) {
      auto const b = uploaded(exec, bins), d = uploaded(exec, std::vector<float>{1.F, -2.F, 0.F});
      // In place.
      auto x = uploaded(exec, std::vector<float>(3 * kBins, logit));
      visit(exec, [&](auto e) {
        two_hot_mean_backward(e, b, {x.data(), 3, kBins}, d, {x.data(), 3, kBins});
      });
      auto const got = download(x);
      for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t k = 0; k < kBins; ++k) {
          double const want = (r == 0 ? 1 : r == 1 ? -2 : 0) * double(bins[k]) / kBins;
          EXPECT_NEAR(got[r * kBins + k], want, 1e-6 * std::abs(want));
          EXPECT_EQ(got[r * kBins + k], -got[r * kBins + kBins - 1 - k]);
        }
    }
}

TEST(TwoHot, GradientOfTheMeanIsItsDifferenceQuotient) {
  for (Heads const& h : {Heads{20, kBins, 0}, Heads{40, 41, 7}, Heads{9, 3, 1}})
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, h);
      for (int r = 0; r < h.rows; ++r) {
        auto const at = static_cast<std::size_t>(r);
        auto logits = h.row(r);
        auto const mean_of = [&](std::vector<double> const& x, bool magnitudes) {
          double const normaliser = log_sum_exp(x);
          double mean = 0;
          for (std::size_t k = 0; k < x.size(); ++k) {
            double const bin = h.bins[k];
            mean += std::exp(x[k] - normaliser) * (magnitudes ? std::abs(bin) : bin);
          }
          return mean;
        };
        double const normaliser = log_sum_exp(logits), size = mean_of(logits, true);
        for (std::size_t k = 0; k < logits.size(); ++k) {
          double const here = logits[k];
          auto const moved = [&](double v) {
            logits[k] = v;
            return mean_of(logits, false);
          };
          double const want = h.dloss[at] * central_difference(moved, here, 1e-4);
          logits[k] = here;
          // Rounding of an exponential of up to 25, and of the quotient.
          double const p = std::exp(here - normaliser),
                       tolerance = 3e-6 * p * (std::abs(double{h.bins[k]}) + size) + 1e-11 * size;
          std::size_t const place = at * static_cast<std::size_t>(h.count + h.gap) + k;
          EXPECT_NEAR(got.dlogits_of_mean[place], want, std::abs(double{h.dloss[at]}) * tolerance)
              << r << ", " << k;
        }
        for (int k = h.count; k < h.count + h.gap; ++k)
          EXPECT_EQ(got.dlogits_of_mean[at * static_cast<std::size_t>(h.count + h.gap) +
                                        static_cast<std::size_t>(k)],
                    0.F);
      }
    }
}

TEST(TwoHot, LossMeanAndGradientEqualADoubleReference) {
  for (Heads const& h : {Heads{67, kBins, 0}, Heads{40, 41, 7}, Heads{9, 3, 1}})
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, h);
      for (int r = 0; r < h.rows; ++r) {
        auto const at = static_cast<std::size_t>(r);
        auto const logits = h.row(r);
        auto const w = weights_of(h.bins, h.target[at]);
        double const normaliser = log_sum_exp(logits);
        double loss = 0, mean = 0, size = 0;
        for (std::size_t k = 0; k < w.size(); ++k) {
          double const p = std::exp(logits[k] - normaliser);
          loss += w[k] * (normaliser - logits[k]);
          mean += p * h.bins[k];
          size += p * std::abs(h.bins[k]);
          float const d = got.dlogits[at * static_cast<std::size_t>(h.count + h.gap) + k];
          EXPECT_NEAR(d, h.dloss[at] * (p - w[k]), 3e-6) << r << ", " << k;
        }
        EXPECT_NEAR(got.loss[at], loss, 1e-5 * std::max(1., loss)) << r;
        EXPECT_NEAR(got.mean[at], mean, 1e-6 * size) << r;
      }
    }
}

TEST(TwoHot, GradientsOfSeveralTargetsAddUp) {
  int const rows = 5, n = 41;
  auto const bins = two_hot_bins(n);
  auto const logits = normal_numbers(rows * n, 0, 1, 21);
  std::vector<float> const target{0, 1, -3, 40, 1e4F}, other{2, 2, 2, 2, 2}, weight{1, 2, 0, 4, 5};
  for (Exec const& exec : every_machine()) {
    auto const b = uploaded(exec, bins), x = uploaded(exec, logits), t = uploaded(exec, target),
               u = uploaded(exec, other), w = uploaded(exec, weight);
    Buffer<float> loss(exec, rows), normaliser(exec, rows), one(exec, rows * n),
        two(exec, rows * n), both(exec, rows * n);
    InRows<float> const in(x.data(), rows, n);
    visit(exec, [&](auto e) {
      two_hot_loss(e, b.in(), in, t.in(), loss.out(), normaliser.out());
      auto const slope = [&](Buffer<float> const& at, Buffer<float>& to, Result result) {
        two_hot_backward(e, b.in(), in, at.in(), normaliser.in(), w.in(), {to.data(), rows, n},
                         result);
      };
      slope(t, one, Result::overwrite);
      slope(u, two, Result::overwrite);
      slope(t, both, Result::overwrite);
      slope(u, both, Result::add);
    });
    auto const first = download(one), second = download(two), sum = download(both);
    for (std::size_t i = 0; i < sum.size(); ++i)
      EXPECT_NEAR(sum[i], first[i] + second[i], 1e-6) << i;
  }
}

TEST(TwoHot, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  Heads const h{100, kBins, 1};
  Outcome const first = solved(Cpu{}, h);
  EXPECT_EQ(solved(Cpu{&pool}, h), first);
  for (Exec const& exec : every_machine()) EXPECT_EQ(solved(exec, h), first) << describe(exec);
}

TEST(TwoHot, SaysWhatDoesNotFit) {
  std::vector<float> x(30), three(3);
  InRows<float> const logits(x.data(), 3, 10);
  In<float> const bins(x.data(), 10), few(x.data(), 9);
  EXPECT_THROW(two_hot_loss(Cpu{}, few, logits, three, three, three), ShapeError);
  EXPECT_THROW(two_hot_loss(Cpu{}, bins, logits, x, three, three), ShapeError);
  EXPECT_THROW(two_hot_mean(Cpu{}, bins, logits, x), ShapeError);
  EXPECT_THROW(two_hot_mean_backward(Cpu{}, bins, logits, x, {x.data(), 3, 10}), ShapeError);
  EXPECT_THROW(two_hot_mean_backward(Cpu{}, bins, logits, three, {x.data(), 3, 9}), ShapeError);
}

}  // namespace
}  // namespace loom
