#include <cmath>
#include <kernels/core/buffer.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/reduce.hpp>
#include <random>
#include <tests/device.hpp>

namespace loom {
namespace {

std::vector<float> normals(std::size_t n, float mean, float deviation) {
  std::mt19937 engine(7);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> x(n);
  for (float& v : x) v = normal(engine);
  return x;
}

struct Result {
  std::vector<float> first, second;
  bool operator==(Result const&) const = default;
};

enum class What { sum, squares, moments };

Result reduced(Exec const& exec, What what, std::vector<float> const& x) {
  auto const input = uploaded(exec, x);
  Buffer<float> first(exec, 1), second(exec, 1);
  Buffer<std::uint8_t> workspace(exec, reduce_workspace(x.size()));
  visit(exec, [&](auto e) {
    if (what == What::sum) sum(e, input.in(), first.out(), workspace.out());
    if (what == What::squares) sum_of_squares(e, input.in(), first.out(), workspace.out());
    if (what == What::moments)
      mean_and_variance(e, input.in(), first.out(), second.out(), workspace.out());
  });
  return {download(first), what == What::moments ? download(second) : std::vector<float>{}};
}

Result columns(Exec const& exec, What what, std::vector<float> const& x, int rows, int cols,
               int stride) {
  auto const input = uploaded(exec, x);
  auto const n = static_cast<std::size_t>(cols);
  Buffer<float> first(exec, n), second(exec, n);
  Buffer<std::uint8_t> workspace(exec, column_reduce_workspace(rows, cols));
  visit(exec, [&](auto e) {
    InRows<float> const view(input.data(), rows, cols, stride);
    if (what == What::sum) column_sum(e, view, first.out(), workspace.out());
    if (what == What::moments)
      column_mean_and_variance(e, view, first.out(), second.out(), workspace.out());
  });
  return {download(first), what == What::moments ? download(second) : std::vector<float>{}};
}

struct Reference {
  double sum = 0, absolute = 0, squares = 0, mean = 0, variance = 0;
};

Reference reference(std::vector<float> const& x, std::size_t begin, std::size_t n,
                    std::size_t step) {
  Reference r;
  for (std::size_t i = 0; i < n; ++i) {
    double const v = x[begin + i * step];
    r.sum += v;
    r.absolute += std::abs(v);
    r.squares += v * v;
  }
  r.mean = r.sum / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) r.variance += std::pow(x[begin + i * step] - r.mean, 2);
  r.variance /= static_cast<double>(n);
  return r;
}

// 5e-7: four roundings of half an ulp, on the sum of absolute values. The depth of the tree hardly
// shows.
constexpr double kRounding = 5e-7;

TEST(Reduce, AgreesWithDoubleForAnySize) {
  for (Exec const& exec : every_exec())
    for (std::size_t const n : {1, 2, 127, 128, 129, 1000, 4096, 4097, 100003, 450001}) {
      auto const x = normals(n, 1.F, 2.F);
      auto const expected = reference(x, 0, n, 1);
      EXPECT_NEAR(reduced(exec, What::sum, x).first[0], expected.sum, kRounding * expected.absolute)
          << n;
      EXPECT_NEAR(reduced(exec, What::squares, x).first[0], expected.squares,
                  kRounding * expected.squares)
          << n;
      auto const moments = reduced(exec, What::moments, x);
      EXPECT_NEAR(moments.first[0], expected.mean,
                  kRounding * expected.absolute / static_cast<double>(n))
          << n;
      EXPECT_NEAR(moments.second[0], expected.variance, 1e-6 * expected.variance + 1e-12) << n;
    }
}

TEST(Reduce, VarianceSurvivesALargeMean) {
  // mean^2 / variance = 1e8: the textbook difference of squares would lose every digit.
  for (Exec const& exec : every_exec()) {
    auto const x = normals(50000, 1000.F, 0.1F);
    auto const expected = reference(x, 0, x.size(), 1);
    // 1e-4: the inputs' own rounding is 3e-5 against a deviation of 0.1.
    EXPECT_NEAR(reduced(exec, What::moments, x).second[0], expected.variance,
                1e-4 * expected.variance);
    EXPECT_NEAR(columns(exec, What::moments, x, 50000, 1, 1).second[0], expected.variance,
                1e-4 * expected.variance);
  }
}

TEST(Reduce, SumOfNothingIsZero) {
  for (Exec const& exec : every_exec()) EXPECT_EQ(reduced(exec, What::sum, {}).first[0], 0.F);
}

TEST(Reduce, ColumnsAgreeWithDoubleForAnyShape) {
  for (Exec const& exec : every_exec())
    for (auto const [rows, cols, stride] : {std::array{1, 1, 1},
                                            {7, 3, 3},
                                            {1000, 4, 4},
                                            {513, 17, 20},
                                            {3000, 64, 64},
                                            {4099, 6, 6},
                                            {40, 300, 300}}) {
      auto const x = normals(static_cast<std::size_t>(rows * stride), -3.F, 0.5F);
      auto const sums = columns(exec, What::sum, x, rows, cols, stride);
      auto const moments = columns(exec, What::moments, x, rows, cols, stride);
      for (std::size_t c = 0; c < static_cast<std::size_t>(cols); ++c) {
        auto const expected =
            reference(x, c, static_cast<std::size_t>(rows), static_cast<std::size_t>(stride));
        ASSERT_NEAR(sums.first[c], expected.sum, kRounding * expected.absolute)
            << rows << " x " << cols;
        ASSERT_NEAR(moments.first[c], expected.mean, kRounding * 3.5) << rows << " x " << cols;
        ASSERT_NEAR(moments.second[c], expected.variance, 1e-5 * expected.variance + 1e-12)
            << rows << " x " << cols;
      }
    }
}

TEST(Reduce, BitsDoNotDependOnLanesThreadsOrDevice) {
  ThreadPool pool(3);
  auto const x = normals(30011, 0.3F, 1.F);
  for (What const what : {What::sum, What::squares, What::moments}) {
    auto const expected = reduced(Cpu{}, what, x);
    EXPECT_EQ(reduced(Cpu{nullptr, 1}, what, x), expected);
    EXPECT_EQ(reduced(Cpu{&pool}, what, x), expected);
    for (Exec const& exec : every_exec()) EXPECT_EQ(reduced(exec, what, x), expected);
  }
  for (What const what : {What::sum, What::moments})
    for (int const cols : {1, 5, 64}) {
      int const rows = 30011 / cols;
      auto const expected = columns(Cpu{}, what, x, rows, cols, cols);
      EXPECT_EQ(columns(Cpu{nullptr, 1}, what, x, rows, cols, cols), expected);
      EXPECT_EQ(columns(Cpu{&pool}, what, x, rows, cols, cols), expected);
      for (Exec const& exec : every_exec())
        EXPECT_EQ(columns(exec, what, x, rows, cols, cols), expected);
    }
}

TEST(Reduce, CanBeCaptured) {
  for (Exec const& exec : every_exec()) {
    auto x = uploaded(exec, std::vector<float>(10000, 1.F));
    Buffer<float> y(exec, 1);
    Buffer<std::uint8_t> workspace(exec, reduce_workspace(10000));
    Graph graph(exec, [&](Exec const& inside) {
      visit(inside, [&](auto e) { sum(e, x.in(), y.out(), workspace.out()); });
    });
    for (int round = 1; round <= 3; ++round) {
      upload<float>(exec, std::vector<float>(10000, static_cast<float>(round)), x.out());
      graph.launch();
      EXPECT_EQ(download(y)[0], 10000.F * static_cast<float>(round));
    }
  }
}

TEST(Reduce, RefusesSizesThatDoNotFit) {
  std::vector<float> x(10000), y(2);
  std::vector<std::uint8_t> none;
  EXPECT_THROW(sum(Cpu{}, x, y, none), ShapeError);
  EXPECT_THROW(sum(Cpu{}, x, Out<float>(y.data(), 1), none), ShapeError);
  EXPECT_THROW(column_sum(Cpu{}, InRows<float>(x.data(), 100, 100), y, none), ShapeError);
}

}  // namespace
}  // namespace loom
