#include <kernels/core/error.hpp>
#include <kernels/nn/deviation.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Deviation, IsSoftplusFromBelowWithItsGradient) {
  int const rows = 9, cols = 37, stride = 40;
  auto raw = normal_numbers(rows * stride, 0, 4, 1);
  auto const d = normal_numbers(rows * stride, 0, 1, 2);
  raw[0] = 80, raw[1] = -80;
  for (float const least : {0.1F, 0.01F}) {
    std::vector<float> first;
    for (Exec const& exec : every_machine()) {
      auto const x = uploaded(exec, raw), slope = uploaded(exec, d);
      auto log_std = uploaded(exec, std::vector<float>(raw.size(), 9.F)),
           draw = uploaded(exec, std::vector<float>(raw.size(), 9.F));
      visit(exec, [&](auto e) {
        InRows<float> const in(x.data(), rows, cols, stride);
        deviation(e, least, in, {log_std.data(), rows, cols, stride});
        deviation_backward(e, least, in, {slope.data(), rows, cols, stride},
                           {draw.data(), rows, cols, stride});
      });
      auto const got = download(log_std), gradient = download(draw);
      for (std::size_t i = 0; i < raw.size(); ++i) {
        if (i % stride >= cols) {
          EXPECT_EQ(got[i], 9.F);
          continue;
        }
        auto const want = [&](double r) {
          return std::log(std::max(r, 0.) + std::log1p(std::exp(-std::abs(r))) + double{least});
        };
        EXPECT_NEAR(got[i], want(raw[i]), 2e-6) << raw[i];
        EXPECT_NEAR(gradient[i], d[i] * central_difference(want, raw[i]), 3e-6) << raw[i];
      }
      if (first.empty()) first = gradient;
      EXPECT_EQ(gradient, first) << describe(exec);
    }
  }
}

TEST(Deviation, SaysWhatDoesNotFit) {
  std::vector<float> x(12);
  EXPECT_THROW(deviation(Cpu{}, 0.1F, {x.data(), 3, 4}, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(deviation(Cpu{}, -1, {x.data(), 3, 4}, {x.data(), 3, 4}), ShapeError);
}

}  // namespace
}  // namespace loom
