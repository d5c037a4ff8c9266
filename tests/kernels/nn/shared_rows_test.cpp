#include <kernels/core/error.hpp>
#include <kernels/nn/shared_rows.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(SharedRows, AreAddedBeforeTheActivation) {
  for (int const n : {1, 3, 10})
    for (int const cols : {5, 70}) {
      int const rows = 7, stride = cols + 3;
      auto const size = [&](int r) { return static_cast<std::size_t>(r * stride); };
      auto const x = normal_numbers(size(rows * n), 0, 1, 1),
                 shared = normal_numbers(size(rows), 0, 1, 2);
      for (Exec const& exec : every_machine()) {
        auto y = uploaded(exec, x);
        auto const s = uploaded(exec, shared);
        OutRows<float> const in_place(y.data(), rows * n, cols, stride);
        visit(exec, [&](auto e) {
          add_shared_rows(e, Activation::relu, in_place, {s.data(), rows, cols, stride}, in_place);
        });
        auto const got = download(y);
        for (int r = 0; r < rows * n; ++r)
          for (int c = 0; c < stride; ++c) {
            auto const at = static_cast<std::size_t>(r * stride + c);
            float const sum = x[at] + shared[static_cast<std::size_t>(r / n * stride + c)];
            EXPECT_EQ(got[at], c < cols ? std::max(sum, 0.F) : x[at]) << r << ", " << c;
          }
      }
    }
}

TEST(SharedRows, SaysWhatDoesNotFit) {
  std::vector<float> x(12);
  InRows<float> const four(x.data(), 4, 3), three(x.data(), 3, 3), none(x.data(), 0, 3);
  OutRows<float> const y(x.data(), 4, 3);
  EXPECT_THROW(add_shared_rows(Cpu{}, Activation::relu, four, three, y), ShapeError);
  EXPECT_THROW(add_shared_rows(Cpu{}, Activation::relu, four, none, y), ShapeError);
  EXPECT_THROW(add_shared_rows(Cpu{}, Activation::relu, four, {x.data(), 2, 2}, y), ShapeError);
  EXPECT_THROW(add_shared_rows(Cpu{}, Activation::relu, three, {x.data(), 1, 3}, y), ShapeError);
}

}  // namespace
}  // namespace loom
