#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/log_mean_exp.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(LogMeanExp, EqualsDoubleWhereverTheNumbersLie) {
  int const rows = 5;
  for (int const cols : {1, 3, 64, 300})
    for (double const centre : {0., -400., 300.}) {
      int const stride = cols + 2;
      auto const x = normal_numbers(static_cast<std::size_t>(rows * stride), centre, 5, 1);
      std::vector<float> first;
      for (Exec const& exec : every_machine()) {
        auto const from = uploaded(exec, x);
        Buffer<float> log_mean(exec, rows), mean(exec, rows);
        visit(exec, [&](auto e) {
          log_mean_exp(e, {from.data(), rows, cols, stride}, log_mean.out(), mean.out());
        });
        auto const got = download(log_mean), average = download(mean);
        for (int r = 0; r < rows; ++r) {
          auto const* row = x.data() + r * stride;
          double const most = *std::max_element(row, row + cols);
          double sum = 0, total = 0;
          for (int k = 0; k < cols; ++k) {
            sum += std::exp(row[k] - most);
            total += row[k];
          }
          double const bound = 2e-6 * (1 + std::abs(centre));
          EXPECT_NEAR(got[static_cast<std::size_t>(r)], most + std::log(sum / cols), bound);
          EXPECT_NEAR(average[static_cast<std::size_t>(r)], total / cols, bound);
          EXPECT_GE(got[static_cast<std::size_t>(r)],
                    static_cast<double>(average[static_cast<std::size_t>(r)]) - bound);
        }
        if (first.empty()) first = got;
        EXPECT_EQ(got, first) << describe(exec);
      }
    }
}

TEST(LogMeanExp, SaysWhatDoesNotFit) {
  std::vector<float> x(12), two(2), three(3);
  EXPECT_THROW(log_mean_exp(Cpu{}, {x.data(), 3, 4}, two), ShapeError);
  EXPECT_THROW(log_mean_exp(Cpu{}, {x.data(), 3, 4}, three, two), ShapeError);
  EXPECT_THROW(log_mean_exp(Cpu{}, {x.data(), 3, 0}, three), ShapeError);
}

}  // namespace
}  // namespace loom
