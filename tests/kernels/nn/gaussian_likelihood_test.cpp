#include <kernels/core/error.hpp>
#include <kernels/nn/gaussian_likelihood.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(GaussianLikelihood, IsTheDensitysLogarithmWithItsGradients) {
  auto squares = normal_numbers(70, 3, 1, 1);
  for (float& q : squares) q = q * q;
  int const numbers = 6;
  float const weight = 0.3F;
  for (float const log_variance : {-3.F, 0.F, 1.7F}) {
    // -log of `numbers` normal densities whose squared distances add up to q.
    auto const want = [&](double q, double log_s) {
      return q / (2 * std::exp(log_s)) +
             numbers * 0.5 * std::log(2 * 3.14159265358979323846 * std::exp(log_s));
    };
    std::vector<float> first;
    for (Exec const& exec : every_machine()) {
      auto const q = uploaded(exec, squares), s = uploaded(exec, std::vector<float>{log_variance});
      Buffer<float> loss(exec, q.size()), slope(exec, q.size()), ds(exec, q.size());
      visit(exec, [&](auto e) {
        gaussian_likelihood(e, numbers, weight, q.in(), s.in(), loss.out(), slope.out(), ds.out());
      });
      auto const got = download(loss), to_squares = download(slope), to_s = download(ds);
      for (std::size_t i = 0; i < squares.size(); ++i) {
        double const x = squares[i];
        EXPECT_NEAR(got[i], want(x, double{log_variance}), 2e-6 * (1 + std::abs(got[i])));
        double const by_s =
            weight * central_difference([&](double v) { return want(x, v); }, log_variance);
        EXPECT_NEAR(to_s[i], by_s, 2e-6 * (1 + std::abs(by_s)));
        double const by_q =
            weight * central_difference([&](double v) { return want(v, log_variance); }, x);
        EXPECT_NEAR(to_squares[i], by_q, 2e-6 * (1 + std::abs(by_q)));
      }
      if (first.empty()) first = got;
      EXPECT_EQ(got, first) << describe(exec);
    }
  }
}

TEST(GaussianLikelihood, LossAloneNeedsNoGradients) {
  std::vector<float> const q{4}, s{0};
  std::vector<float> loss(1);
  gaussian_likelihood(Cpu{}, 2, 1, q, s, loss, {}, {});
  EXPECT_NEAR(loss[0], 2 + std::log(2 * 3.14159265358979323846), 1e-6);
}

TEST(GaussianLikelihood, SaysWhatDoesNotFit) {
  std::vector<float> q(3), s(1), two(2), three(3);
  EXPECT_THROW(gaussian_likelihood(Cpu{}, 0, 1, q, s, three, {}, {}), ShapeError);
  EXPECT_THROW(gaussian_likelihood(Cpu{}, 1, 1, q, two, three, {}, {}), ShapeError);
  EXPECT_THROW(gaussian_likelihood(Cpu{}, 1, 1, q, s, two, {}, {}), ShapeError);
  EXPECT_THROW(gaussian_likelihood(Cpu{}, 1, 1, q, s, three, two, {}), ShapeError);
  EXPECT_THROW(gaussian_likelihood(Cpu{}, 1, 1, q, s, three, three, two), ShapeError);
}

}  // namespace
}  // namespace loom
