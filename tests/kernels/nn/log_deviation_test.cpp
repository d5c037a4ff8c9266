#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/log_deviation.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(LogDeviation, ClampsAndLetsGradientsThroughInsideAlone) {
  int const rows = 9, cols = 37, stride = 40;
  auto raw = normal_numbers(rows * stride, 0, 6, 1);
  auto const d = normal_numbers(rows * stride, 0, 1, 2);
  raw[0] = 80, raw[1] = -80, raw[2] = -4, raw[3] = 15, raw[4] = -8, raw[5] = 30;
  for (LogDeviation const how :
       {LogDeviation{1.F, -4.F, 15.F}, LogDeviation{0.5F, -4.F, 15.F}, LogDeviation{0.5F}})
    for (Result const result : {Result::overwrite, Result::add}) {
      for (Exec const& exec : every_machine()) {
        auto const x = uploaded(exec, raw), slope = uploaded(exec, d);
        auto log_std = uploaded(exec, std::vector<float>(raw.size(), 9.F)),
             draw = uploaded(exec, std::vector<float>(raw.size(), 9.F));
        visit(exec, [&](auto e) {
          InRows<float> const in(x.data(), rows, cols, stride);
          log_deviation(e, how, in, {log_std.data(), rows, cols, stride});
          log_deviation_backward(e, how, in, {slope.data(), rows, cols, stride},
                                 {draw.data(), rows, cols, stride}, result);
        });
        auto const got = download(log_std), gradient = download(draw);
        for (std::size_t i = 0; i < raw.size(); ++i) {
          if (i % stride >= cols) {
            EXPECT_EQ(got[i], 9.F);
            EXPECT_EQ(gradient[i], 9.F);
            continue;
          }
          float const whole = how.scale * raw[i];
          EXPECT_EQ(got[i], std::clamp(whole, how.low, how.high)) << raw[i];
          float const inside = whole >= how.low && whole <= how.high ? how.scale : 0.F;
          EXPECT_NEAR(gradient[i], inside * d[i] + (result == Result::add ? 9 : 0), 1e-6)
              << raw[i] << " on " << describe(exec);
        }
      }
    }
}

TEST(LogDeviation, SaysWhatDoesNotFit) {
  std::vector<float> x(12);
  EXPECT_THROW(log_deviation(Cpu{}, {}, {x.data(), 3, 4}, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(log_deviation(Cpu{}, {1, 2, 1}, {x.data(), 3, 4}, {x.data(), 3, 4}), ConfigError);
  EXPECT_THROW(log_deviation(Cpu{}, {0}, {x.data(), 3, 4}, {x.data(), 3, 4}), ConfigError);
}

}  // namespace
}  // namespace loom
