#include <kernels/core/error.hpp>
#include <kernels/nn/squash.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Squash, EqualsDoubleAndItsDifferences) {
  for (int const stride : {37, 40}) {
    int const rows = 9, cols = 37;
    auto x = normal_numbers(elements(rows, stride), 0, 2, 1);
    auto const d = normal_numbers(elements(rows, stride), 0, 1, 2);
    x[0] = 40, x[1] = -40;
    for (Squash const kind : {Squash::tanh, Squash::sigmoid})
      for (float const scale : {1.F, 2.5F}) {
        auto const want = [&](double v) {
          return double{scale} * (kind == Squash::tanh ? std::tanh(v) : 1 / (1 + std::exp(-v)));
        };
        std::vector<float> first;
        for (Exec const& exec : every_machine()) {
          auto const from = uploaded(exec, x), slope = uploaded(exec, d);
          auto y = uploaded(exec, std::vector<float>(x.size(), 9.F)), dx = uploaded(exec, d);
          visit(exec, [&](auto e) {
            OutRows<float> const to(y.data(), rows, cols, stride);
            squash(e, kind, scale, {from.data(), rows, cols, stride}, to);
            squash_backward(e, kind, scale, to, {slope.data(), rows, cols, stride},
                            {dx.data(), rows, cols, stride});
          });
          auto const got = download(y), gradient = download(dx);
          for (std::size_t i = 0; i < x.size(); ++i) {
            if (static_cast<int>(i) % stride >= cols) {
              EXPECT_EQ(got[i], 9.F);
              continue;
            }
            EXPECT_NEAR(got[i], want(x[i]), 1e-6 * double{scale}) << x[i];
            EXPECT_NEAR(gradient[i], d[i] * central_difference(want, x[i]), 2e-6 * double{scale})
                << x[i];
          }
          if (first.empty()) first = got;
          EXPECT_EQ(got, first) << describe(exec);
        }
      }
  }
}

TEST(Squash, SaysWhatDoesNotFit) {
  std::vector<float> x(12);
  InRows<float> const rows(x.data(), 3, 4);
  EXPECT_THROW(squash(Cpu{}, Squash::tanh, 1, rows, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(squash(Cpu{}, Squash::tanh, 0, rows, {x.data(), 3, 4}), ConfigError);
}

}  // namespace
}  // namespace loom
