#include <kernels/nn/tanh_gaussian.hpp>
#include <kernels/nn/tanh_gaussian_body.hpp>

#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kRows = 77, kDims = 3;
constexpr std::size_t kSize = kRows * kDims;

TEST(TanhGaussian, LogDetIsExactWhereTheTextbookFormCancels) {
  for (double x = -15; x <= 15; x += 0.37) {
    // log(1 - tanh(x)^2) = -2 log cosh x, in long double.
    double const want = static_cast<double>(-2 * std::log(std::cosh(static_cast<long double>(x))));
    EXPECT_NEAR(tanh_log_det<float>(static_cast<float>(x)), want, 2e-6 * (1 + std::abs(x)))
        << "x = " << x;
    EXPECT_NEAR(tanh_log_det<double>(x), want, 1e-7) << "x = " << x;
  }
}

// The density of the squashed number integrates to one: a wrong correction cannot.
TEST(TanhGaussian, DensityIntegratesToOne) {
  double const mean = 0.4, log_std = -0.3;
  double integral = 0;
  int const steps = 200000;
  for (int i = 0; i < steps; ++i) {
    double const action = -1 + 2 * (i + 0.5) / steps;
    integral +=
        std::exp(tanh_gaussian_log_prob<double>(std::atanh(action), mean, log_std)) * 2 / steps;
  }
  EXPECT_NEAR(integral, 1, 1e-5);
}

TEST(TanhGaussian, EveryMachineDrawsTheSameBits) {
  auto const mean = normal_numbers(kSize, 0, 1, 4), log_std = normal_numbers(kSize, -1, 0.3, 5);
  auto const s = count_from(3, kRows);
  std::vector<std::uint32_t> const t{12};
  std::vector<float> action, log_prob;
  for (Exec const& exec : every_machine()) {
    auto const m = uploaded(exec, mean), sigma = uploaded(exec, log_std);
    auto const stream = uploaded(exec, s), tick = uploaded(exec, t);
    Buffer<float> a(exec, kSize), x(exec, kSize), p(exec, kRows), again(exec, kRows);
    visit(exec, [&](auto e) {
      InRows<float> const center{m.data(), kRows, kDims}, spread{sigma.data(), kRows, kDims};
      tanh_gaussian_sample(e, center, spread, {5, stream, tick}, {a.data(), kRows, kDims},
                           {x.data(), kRows, kDims}, p.out());
      tanh_gaussian_log_prob(e, center, spread, {x.data(), kRows, kDims}, again.out());
    });
    if (action.empty()) {
      action = download(a);
      log_prob = download(p);
      auto const before = download(x);
      for (std::size_t i = 0; i < kSize; ++i) EXPECT_NEAR(action[i], std::tanh(before[i]), 5e-7);
      for (std::size_t r = 0; r < kRows; ++r) {
        double want = 0;
        for (std::size_t i = r * kDims; i < (r + 1) * kDims; ++i) {
          double const z = (double(before[i]) - mean[i]) / std::exp(double(log_std[i]));
          want += -z * z / 2 - log_std[i] - 0.5 * std::log(2 * std::acos(-1.)) +
                  2 * std::log(std::cosh(double(before[i])));
        }
        EXPECT_NEAR(log_prob[r], want, 5e-6) << "row " << r;
      }
    }
    EXPECT_EQ(download(a), action) << describe(exec);
    EXPECT_EQ(download(p), log_prob) << describe(exec);
    EXPECT_EQ(download(again), log_prob) << "the density of what was drawn";
  }
}

TEST(TanhGaussian, AgreesWithTorch) {
  Fixture const f("torch/squashed_gaussian");
  auto const mean = f.floats("mean"), log_std = f.floats("log_std"), x = f.floats("pre_tanh");
  auto const want = f.vector("log_prob");
  int const rows = static_cast<int>(want.size()), dims = static_cast<int>(f.shape("mean")[1]);
  std::vector<float> log_prob(want.size());
  tanh_gaussian_log_prob(Cpu{}, {mean.data(), rows, dims}, {log_std.data(), rows, dims},
                         {x.data(), rows, dims}, log_prob);
  for (std::size_t r = 0; r < want.size(); ++r)
    EXPECT_NEAR(log_prob[r], want[r], 2e-6 * std::max(1., std::abs(want[r]))) << "row " << r;
}

TEST(TanhGaussian, SaysWhatDoesNotFit) {
  std::vector<float> const mean(6), log_std(4);
  std::vector<float> log_prob(3);
  EXPECT_THROW(tanh_gaussian_log_prob(Cpu{}, {mean.data(), 3, 2}, {log_std.data(), 2, 2},
                                      {mean.data(), 3, 2}, log_prob),
               ShapeError);
}

}  // namespace
}  // namespace loom
