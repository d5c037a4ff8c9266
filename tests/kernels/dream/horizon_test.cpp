#include <kernels/core/error.hpp>
#include <kernels/dream/horizon.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Horizon, MultipliesTheProbabilitiesOfGoingOn) {
  int const steps = 5, n = 70;
  auto const logits = normal_numbers((steps + 1) * n, 2, 2, 1);
  auto const starts = std::vector<float>(static_cast<std::size_t>(n), 0.25F);
  for (Exec const& exec : every_machine())
    for (bool const with_logits : {true, false})
      for (bool const with_start : {true, false}) {
        auto const x = uploaded(exec, logits), s = uploaded(exec, starts);
        Buffer<float> discount(exec, steps * n), weight(exec, steps * n);
        visit(exec, [&](auto e) {
          horizon(e, steps, 0.9F, with_logits ? x.in() : In<float>{},
                  with_start ? s.in() : In<float>{}, discount.out(), weight.out());
        });
        auto const d = download(discount), w = download(weight);
        for (int i = 0; i < n; ++i) {
          auto const going_on = [&](int t) {
            return with_logits ? logistic(logits[static_cast<std::size_t>(t * n + i)]) : 1.;
          };
          double product = with_start ? 0.25 : going_on(0);
          for (int t = 0; t < steps; ++t) {
            auto const at = static_cast<std::size_t>(t * n + i);
            EXPECT_NEAR(d[at], 0.9 * going_on(t + 1), 1e-6);
            EXPECT_NEAR(w[at], product, 1e-6);
            product *= 0.9 * going_on(t + 1);
          }
        }
      }
}

TEST(Horizon, SaysWhatDoesNotFit) {
  std::vector<float> six(6), four(4);
  EXPECT_THROW(horizon(Cpu{}, 0, 1, {}, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 4, 1, {}, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 3, 1, six, {}, six, six), ShapeError);
  EXPECT_THROW(horizon(Cpu{}, 3, 1, {}, four, six, six), ShapeError);
}

}  // namespace
}  // namespace loom
