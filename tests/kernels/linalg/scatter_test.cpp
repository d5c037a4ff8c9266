#include <kernels/core/error.hpp>
#include <kernels/linalg/scatter.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Scatter, PutsRowsWhereTheirIndexSaysAndLeavesTheRest) {
  int const n = 40, rows = 23;
  for (Exec const& exec : every_machine())
    for (int const cols : {1, 3, 16, 33})
      for (int const padding : {0, 2}) {
        int const stride = cols + padding;
        auto const from = normal_numbers(static_cast<std::size_t>(rows * stride), 0, 1, 1);
        std::vector<std::int32_t> index;
        for (int r = 0; r < rows; ++r) index.push_back(r % 5 == 2 ? -1 : r * 7 % n);
        std::vector<float> want(static_cast<std::size_t>(n * stride), 9.F);
        for (int r = 0; r < rows; ++r)
          for (int c = 0; c < cols; ++c)
            if (int const at = index[static_cast<std::size_t>(r)]; at >= 0)
              want[static_cast<std::size_t>(at * stride + c)] =
                  from[static_cast<std::size_t>(r * stride + c)];
        auto const source = uploaded(exec, from);
        auto const places = uploaded(exec, index);
        auto to = uploaded(exec, std::vector<float>(want.size(), 9.F));
        visit(exec, [&](auto e) {
          scatter_rows(e, {source.data(), rows, cols, stride}, places.in(),
                       {to.data(), n, cols, stride});
        });
        EXPECT_EQ(download(to), want) << describe(exec) << ", " << cols << " + " << padding;
      }
}

// Rows move in words of 16 bytes, of 4 and of one.
TEST(Scatter, PutsBytesWhereTheirIndexSays) {
  int const n = 9, rows = 5;
  std::vector<std::int32_t> const index{3, -1, 8, 0, 5};
  for (Exec const& exec : every_machine())
    for (int const cols : {48, 20, 7}) {
      std::vector<std::uint8_t> from, want(static_cast<std::size_t>(n * cols), 250);
      for (int i = 0; i < rows * cols; ++i) from.push_back(static_cast<std::uint8_t>(i % 241));
      for (int r = 0; r < rows; ++r)
        for (int c = 0; c < cols && index[static_cast<std::size_t>(r)] >= 0; ++c)
          want[static_cast<std::size_t>(index[static_cast<std::size_t>(r)] * cols + c)] =
              from[static_cast<std::size_t>(r * cols + c)];
      auto const source = uploaded(exec, from);
      auto const places = uploaded(exec, index);
      auto to = uploaded(exec, std::vector<std::uint8_t>(want.size(), 250));
      visit(exec, [&](auto e) {
        scatter_rows(e, InRows<std::uint8_t>(source.data(), rows, cols), places.in(),
                     {to.data(), n, cols});
      });
      EXPECT_EQ(download(to), want) << describe(exec) << ", " << cols;
    }
}

TEST(Scatter, NamesTheSizes) {
  std::vector<float> from(12), to(64);
  std::vector<std::int32_t> index(3);
  EXPECT_THROW(scatter_rows(Cpu{}, {from.data(), 3, 4}, index, {to.data(), 16, 3}), ShapeError);
  EXPECT_THROW(scatter_rows(Cpu{}, {from.data(), 4, 3}, index, {to.data(), 16, 3}), ShapeError);
}

}  // namespace
}  // namespace loom
