#include <kernels/core/error.hpp>
#include <kernels/nn/moving_average.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(MovingAverage, FollowsGeometricallyAndCopiesAtRateOne) {
  auto const x = normal_numbers(1003, 0, 1, 1), start = normal_numbers(1003, 0, 1, 2);
  std::vector<float> first;
  for (Exec const& exec : every_machine()) {
    auto const source = uploaded(exec, x);
    auto average = uploaded(exec, start);
    for (int n = 0; n < 50; ++n)
      visit(exec, [&](auto e) { moving_average(e, 0.02F, source.in(), average.out()); });
    auto const got = download(average);
    double const left = std::pow(1 - 0.02, 50);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(got[i], x[i] + left * (start[i] - x[i]), 3e-6) << i;
    if (first.empty()) first = got;
    EXPECT_EQ(got, first) << describe(exec);
    visit(exec, [&](auto e) { moving_average(e, 1.F, source.in(), average.out()); });
    EXPECT_EQ(download(average), x);
  }
}

TEST(MovingAverage, RefusesSizesAndRates) {
  std::vector<float> a(3), b(4);
  EXPECT_THROW(moving_average(Cpu{}, 0.1F, a, b), ShapeError);
  EXPECT_THROW(moving_average(Cpu{}, 0.F, a, a), ConfigError);
  EXPECT_THROW(moving_average(Cpu{}, 1.1F, a, a), ConfigError);
}

}  // namespace
}  // namespace loom
