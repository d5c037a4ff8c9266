#include <kernels/core/error.hpp>
#include <kernels/linalg/accumulate.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Accumulate, AddsOntoMatricesOfAnyStride) {
  for (int const padding : {0, 3}) {
    int const rows = 13, cols = 37, stride = cols + padding;
    auto const x = normal_numbers(rows * stride, 0, 1, 1),
               y = normal_numbers(rows * stride, 0, 1, 2);
    for (Exec const& exec : every_machine()) {
      auto const from = uploaded(exec, x);
      auto to = uploaded(exec, y);
      visit(exec, [&](auto e) {
        accumulate(e, {from.data(), rows, cols, stride}, {to.data(), rows, cols, stride});
      });
      auto const got = download(to);
      for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_EQ(got[i], static_cast<int>(i) % stride < cols ? x[i] + y[i] : y[i]) << i;
    }
  }
}

TEST(Accumulate, RefusesOtherShapes) {
  std::vector<float> x(12);
  EXPECT_THROW(accumulate(Cpu{}, {x.data(), 3, 4}, {x.data(), 4, 3}), ShapeError);
}

}  // namespace
}  // namespace loom
