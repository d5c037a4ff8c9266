#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/dream/return_range.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// State after each of `batches`.
std::vector<std::vector<float>> solved(Exec const& exec, ReturnRangeConfig const& config,
                                       std::vector<std::vector<float>> const& batches) {
  auto state = zeros<float>(exec, 3);
  std::vector<std::vector<float>> all;
  for (auto const& batch : batches) {
    auto const returns = uploaded(exec, batch);
    visit(exec, [&](auto e) {
      Buffer<std::uint8_t> workspace(exec,
                                     return_range_workspace(e, static_cast<int>(batch.size())));
      update_return_range(e, config, returns.in(), state.out(), workspace.out());
      synchronize(exec);
    });
    all.push_back(download(state));
  }
  return all;
}

/// numpy.percentile(x, 100 p).
double percentile(std::vector<float> x, double p) {
  std::sort(x.begin(), x.end());
  double const at = p * static_cast<double>(x.size() - 1);
  auto const k = static_cast<std::size_t>(at);
  double const next = k + 1 < x.size() ? x[k + 1] : x[k];
  return x[k] + (at - static_cast<double>(k)) * (next - x[k]);
}

TEST(ReturnRange, OfAConstantRangeApproachesItGeometrically) {
  std::vector<float> returns;
  for (int k = 0; k <= 100; ++k) returns.push_back(static_cast<float>((k * 37) % 101) - 50.F);
  for (Exec const& exec : every_machine()) {
    auto const states = solved(exec, {}, std::vector<std::vector<float>>(50, returns));
    for (int n = 1; n <= 50; ++n)
      EXPECT_NEAR(states[static_cast<std::size_t>(n - 1)][0], 90 * (1 - std::pow(0.99, n)), 1e-4)
          << n;
  }
}

TEST(ReturnRange, PercentilesAreNumPys) {
  std::vector<std::vector<float>> batches{{3.F}, {-0.F, 0.F}, {5.F, -7.F, 1e-30F}};
  for (unsigned n : {64U, 1000U, 15361U}) batches.push_back(normal_numbers(n, -3, 40, n));
  std::vector<std::vector<float>> bits;
  for (Exec const& exec : every_machine()) {
    auto const states = solved(exec, {0.05F, 0.95F, 0.5F}, batches);
    double range = 0;
    for (std::size_t k = 0; k < batches.size(); ++k) {
      double const low = percentile(batches[k], double(0.05F)),
                   high = percentile(batches[k], double(0.95F));
      range += 0.5 * (high - low - range);
      EXPECT_NEAR(states[k][0], range, 1e-4) << k;
      EXPECT_NEAR(states[k][1], low, 1e-4) << k;
      EXPECT_NEAR(states[k][2], high, 1e-4) << k;
    }
    if (bits.empty()) bits = states;
    EXPECT_EQ(states, bits) << "every machine has the same bits";
  }
}

// Below 1 it does not count.
TEST(ReturnRange, DividesWhatIsLargerThanOne) {
  std::vector<float> const x = normal_numbers(1003, 2, 5, 9);
  for (Exec const& exec : every_machine())
    for (float const range : {0.25F, 1.F, 7.F}) {
      auto const state = uploaded(exec, std::vector<float>{range, -1.F, 99.F});
      auto const in = uploaded(exec, x);
      Buffer<float> y(exec, x.size());
      visit(exec, [&](auto e) { by_return_range(e, -0.5F, state.in(), in.in(), y.out()); });
      auto const got = download(y);
      for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_FLOAT_EQ(got[i], -0.5F * x[i] / std::max(1.F, range)) << i << ", range " << range;
    }
}

TEST(ReturnRange, SaysWhatItCannotUse) {
  std::vector<float> returns(4), state(3);
  std::vector<std::uint8_t> workspace(return_range_workspace(Cpu{}, 4));
  EXPECT_THROW(update_return_range(Cpu{}, {0.9F, 0.1F, 0.1F}, returns, state, workspace),
               ConfigError);
  EXPECT_THROW(update_return_range(Cpu{}, {0.1F, 0.9F, 0.F}, returns, state, workspace),
               ConfigError);
  EXPECT_THROW(update_return_range(Cpu{}, {}, {}, state, workspace), ShapeError);
  EXPECT_THROW(update_return_range(Cpu{}, {}, returns, returns, workspace), ShapeError);
  EXPECT_THROW(update_return_range(Cpu{}, {}, returns, state, {}), ShapeError);
  EXPECT_THROW(by_return_range(Cpu{}, 1, returns, returns, returns), ShapeError);
  EXPECT_THROW(by_return_range(Cpu{}, 1, state, returns, state), ShapeError);
}

}  // namespace
}  // namespace loom
