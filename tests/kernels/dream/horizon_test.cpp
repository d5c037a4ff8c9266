#include <kernels/core/error.hpp>
#include <kernels/dream/horizon.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

constexpr RewardTiming kTimings[] = {RewardTiming::arrival, RewardTiming::departure};

TEST(Horizon, MultipliesTheProbabilitiesOfGoingOn) {
  int const steps = 5, n = 70;
  double const gamma = 0.9;
  auto const logits = normal_numbers((steps + 1) * n, 2, 2, 1);
  auto const starts = std::vector<float>(static_cast<std::size_t>(n), 0.25F);
  for (Exec const& exec : every_machine())
    for (RewardTiming const timing : kTimings)
      for (bool const with_logits : {true, false})
        for (bool const with_start : {true, false}) {
          auto const x = uploaded(exec, logits), s = uploaded(exec, starts);
          Buffer<float> discount(exec, steps * n), weight(exec, steps * n);
          visit(exec, [&](auto e) {
            horizon(e, steps, timing, 0.9F, with_logits ? x.in() : In<float>{},
                    with_start ? s.in() : In<float>{}, discount.out(), weight.out());
          });
          auto const d = download(discount), w = download(weight);
          for (int i = 0; i < n; ++i) {
            auto const c = [&](int t) {
              if (t == 0 && with_start) return gamma * 0.25;
              return gamma *
                     (with_logits ? logistic(logits[static_cast<std::size_t>(t * n + i)]) : 1.);
            };
            bool const arrives = timing == RewardTiming::arrival;
            for (int t = 0; t < steps; ++t) {
              auto const at = static_cast<std::size_t>(t * n + i);
              double product = arrives ? 1 / gamma : 1;
              for (int k = 0; k < (arrives ? t + 1 : t); ++k) product *= c(k);
              EXPECT_NEAR(d[at], c(arrives ? t + 1 : t), 1e-6);
              EXPECT_NEAR(w[at], product, 1e-6);
            }
          }
        }
}

TEST(Horizon, TimingsAgreeBitForBitWithoutLogits) {
  std::vector<float> discount(12), weight(12), other_discount(12), other_weight(12);
  horizon(Cpu{}, 6, RewardTiming::arrival, 0.99F, {}, {}, discount, weight);
  horizon(Cpu{}, 6, RewardTiming::departure, 0.99F, {}, {}, other_discount, other_weight);
  EXPECT_EQ(discount, other_discount);
  EXPECT_EQ(weight, other_weight);
}

TEST(Horizon, GradientOfTheDiscountsIsTheirDifferenceQuotient) {
  int const steps = 5, n = 70;
  auto const logits = normal_numbers((steps + 1) * n, 0, 3, 1),
             slopes = normal_numbers(steps * n, 0, 1, 2);
  auto const starts = std::vector<float>(static_cast<std::size_t>(n), 0.25F);
  for (RewardTiming const timing : kTimings)
    for (bool const with_start : {true, false}) {
      std::vector<float> first;
      for (Exec const& exec : every_machine()) {
        auto const x = uploaded(exec, logits), s = uploaded(exec, starts),
                   d = uploaded(exec, slopes);
        auto dlogit = uploaded(exec, std::vector<float>(logits.size(), 9.F)),
             in_place = uploaded(exec, logits);
        auto const start = with_start ? s.in() : In<float>{};
        visit(exec, [&](auto e) {
          horizon_backward(e, steps, timing, 0.9F, x.in(), start, d.in(), dlogit.out());
          horizon_backward(e, steps, timing, 0.9F, in_place.in(), start, d.in(), in_place.out());
        });
        auto const got = download(dlogit);
        EXPECT_EQ(download(in_place), got) << describe(exec);
        for (int t = 0; t <= steps; ++t)
          for (int i = 0; i < n; ++i) {
            auto const at = static_cast<std::size_t>(t * n + i);
            int const of = timing == RewardTiming::arrival ? t - 1 : t;
            if (of < 0 || of >= steps || (t == 0 && with_start)) {
              EXPECT_EQ(got[at], 0.F) << t;
              continue;
            }
            double const slope = slopes[static_cast<std::size_t>(of * n + i)];
            auto const discount = [&](double v) { return 0.9 * logistic(v); };
            EXPECT_NEAR(got[at], slope * central_difference(discount, logits[at]), 1e-6) << t;
          }
        if (first.empty()) first = got;
        EXPECT_EQ(got, first) << describe(exec);
      }
    }
}

TEST(Horizon, SaysWhatDoesNotFit) {
  std::vector<float> six(6), four(4), eight(8);
  auto const timing = RewardTiming::departure;
  EXPECT_THROW(horizon(Cpu{}, 0, timing, 1, {}, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 4, timing, 1, {}, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 3, timing, 1, six, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 3, timing, 1, {}, four, six, six), ShapeError);
  EXPECT_THROW(horizon_backward(Cpu{}, 3, timing, 1, {}, {}, six, eight), ShapeError);
  EXPECT_THROW(horizon_backward(Cpu{}, 3, timing, 1, eight, four, six, eight), ShapeError);
  EXPECT_THROW(horizon_backward(Cpu{}, 3, timing, 1, eight, {}, six, six), ShapeError);
}

}  // namespace
}  // namespace loom
