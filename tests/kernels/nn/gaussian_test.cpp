#include <kernels/nn/gaussian.hpp>
#include <kernels/nn/gaussian_body.hpp>

#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kRows = 131, kDims = 5;
constexpr std::size_t kSize = kRows * kDims;

TEST(Gaussian, LogProbIsThatOfTheDensity) {
  auto const mean = normal_numbers(kSize, 0, 2, 1), action = normal_numbers(kSize, 0, 2, 2);
  auto const log_std = normal_numbers(kDims, -0.5, 0.5, 3);
  for (Exec const& exec : every_machine()) {
    auto const m = uploaded(exec, mean), s = uploaded(exec, log_std), x = uploaded(exec, action);
    Buffer<float> log_prob(exec, kRows);
    visit(exec, [&](auto e) {
      gaussian_log_prob(e, {m.data(), kRows, kDims}, s, {x.data(), kRows, kDims}, log_prob.out());
    });
    auto const got = download(log_prob);
    for (std::size_t r = 0; r < kRows; ++r) {
      double want = 0;
      for (std::size_t k = 0; k < kDims; ++k) {
        double const sigma = std::exp(double(log_std[k]));
        double const z = (double(action[r * kDims + k]) - mean[r * kDims + k]) / sigma;
        want += std::log(1 / (sigma * std::sqrt(2 * std::acos(-1.)))) - z * z / 2;
      }
      EXPECT_NEAR(got[r], want, 1e-6 * std::max(1., std::abs(want))) << "row " << r;
    }
  }
}

TEST(Gaussian, EntropyIsHalfLogTwoPiEVariancePerDimension) {
  std::vector<float> const log_std{-1.F, 0.F, 0.5F};
  double want = 0;
  for (double s : log_std)
    want += 0.5 * std::log(2 * std::acos(-1.) * std::exp(1.) * std::exp(2 * s));
  for (Exec const& exec : every_machine()) {
    auto const s = uploaded(exec, log_std);
    Buffer<float> entropy(exec, 1);
    visit(exec, [&](auto e) { gaussian_entropy(e, s, entropy.out()); });
    EXPECT_NEAR(download(entropy)[0], want, 1e-6);
  }
}

TEST(Gaussian, DrawsHaveTheMeanAndDeviationOfEachDimension) {
  constexpr std::size_t kDraws = 40000;
  std::vector<float> const center{1.F, -2.F}, log_std{-1.F, 0.5F};
  std::vector<float> mean, action(2 * kDraws);
  for (std::size_t r = 0; r < kDraws; ++r) mean.insert(mean.end(), center.begin(), center.end());
  auto const stream = count_from(0, kDraws);
  std::vector<std::uint32_t> const tick{1};
  int const rows = static_cast<int>(kDraws);
  gaussian_sample(Cpu{}, {mean.data(), rows, 2}, log_std, {7, stream, tick},
                  {action.data(), rows, 2});
  double product = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    double const sigma = std::exp(double(log_std[k]));
    double sum = 0, squares = 0, fourth = 0;
    for (std::size_t r = 0; r < kDraws; ++r) {
      double const z = (action[2 * r + k] - double(center[k])) / sigma;
      sum += z;
      squares += z * z;
      fourth += z * z * z * z;
    }
    // Four standard errors of the first, second and fourth moment.
    EXPECT_NEAR(sum / kDraws, 0, 4 / std::sqrt(kDraws));
    EXPECT_NEAR(squares / kDraws, 1, 4 * std::sqrt(2. / kDraws));
    EXPECT_NEAR(fourth / kDraws, 3, 4 * std::sqrt(96. / kDraws));
  }
  for (std::size_t r = 0; r < kDraws; ++r)
    product += (action[2 * r] - center[0]) * (action[2 * r + 1] - center[1]);
  EXPECT_NEAR(product / kDraws / std::exp(-0.5), 0, 4 / std::sqrt(kDraws));
}

TEST(Gaussian, EveryMachineDrawsTheSameBits) {
  auto const mean = normal_numbers(kSize, 0, 1, 4), log_std = normal_numbers(kDims, 0, 0.3, 5);
  auto const s = count_from(3, kRows);
  std::vector<std::uint32_t> const t{12};
  std::vector<float> action, log_prob;
  for (Exec const& exec : every_machine()) {
    auto const m = uploaded(exec, mean), sigma = uploaded(exec, log_std);
    auto const stream = uploaded(exec, s), tick = uploaded(exec, t);
    Buffer<float> x(exec, kSize), p(exec, kRows), again(exec, kRows);
    visit(exec, [&](auto e) {
      gaussian_sample(e, {m.data(), kRows, kDims}, sigma, {5, stream, tick},
                      {x.data(), kRows, kDims}, p.out());
      gaussian_log_prob(e, {m.data(), kRows, kDims}, sigma, {x.data(), kRows, kDims}, again.out());
    });
    if (action.empty()) {
      action = download(x);
      log_prob = download(p);
    }
    EXPECT_EQ(download(x), action) << describe(exec);
    EXPECT_EQ(download(p), log_prob) << describe(exec);
    EXPECT_EQ(download(again), log_prob) << "the density of what was drawn";
  }
}

TEST(Gaussian, AgreesWithTorch) {
  Fixture const f("torch/gaussian");
  auto const mean = f.vector("mean"), log_std = f.vector("log_std"), action = f.vector("action");
  auto const want = f.vector("log_prob"), want_entropy = f.vector("entropy");
  std::size_t const dims = f.shape("mean")[1];
  for (std::size_t r = 0; r < want.size(); ++r) {
    auto const row = [&](std::vector<double> const& x) {
      return [&x, r, dims](int k) { return x[r * dims + static_cast<std::size_t>(k)]; };
    };
    int const n = static_cast<int>(dims);
    // The constants of the body are floats: 1e-8 each.
    EXPECT_NEAR(gaussian_log_prob<double>(n, row(action), row(mean), row(log_std)), want[r], 1e-7);
    EXPECT_NEAR(gaussian_entropy<double>(n, row(log_std)), want_entropy[r], 2e-7);
  }
}

TEST(Gaussian, SaysWhatDoesNotFit) {
  std::vector<float> const mean(6), log_std(2), action(6);
  std::vector<float> log_prob(3);
  EXPECT_THROW(gaussian_log_prob(Cpu{}, {mean.data(), 3, 2}, mean, {action.data(), 3, 2}, log_prob),
               ShapeError);
  EXPECT_THROW(
      gaussian_log_prob(Cpu{}, {mean.data(), 3, 2}, log_std, {action.data(), 2, 3}, log_prob),
      ShapeError);
}

}  // namespace
}  // namespace loom
