#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/pool.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

struct Problem {
  PoolShape shape;
  int images;
  std::size_t larger() const { return static_cast<std::size_t>(images * shape.larger()); }
  std::size_t smaller() const { return larger() / 4; }
  /// Of pixel (y, x), channel c of a picture of so many rows and columns.
  static std::size_t at(int n, int y, int x, int c, int height, int width, int channels) {
    return static_cast<std::size_t>(((n * height + y) * width + x) * channels + c);
  }
  /// f(index in the smaller images, the four in the larger ones in the order of reading).
  template <class F>
  void each(F const& f) const {
    int const h = shape.height, w = shape.width, channels = shape.channels;
    for (int n = 0; n < images; ++n)
      for (int y = 0; y < h / 2; ++y)
        for (int x = 0; x < w / 2; ++x)
          for (int c = 0; c < channels; ++c) {
            std::vector<std::size_t> four;
            for (int k = 0; k < 4; ++k)
              four.push_back(at(n, 2 * y + k / 2, 2 * x + k % 2, c, h, w, channels));
            f(at(n, y, x, c, h / 2, w / 2, channels), four);
          }
  }
};

Problem const kProblems[] = {{{2, 2, 1}, 1}, {{8, 6, 3}, 5}, {{4, 10, 17}, 3}};

TEST(Pool, TakesTheLargestOfFourAndGivesItTheGradient) {
  for (Problem const& p : kProblems)
    for (Exec const& exec : every_machine()) {
      auto x = normal_numbers(p.larger(), 0, 1, 1);
      auto const dy = normal_numbers(p.smaller(), 0, 1, 2);
      // Equal ones: the first counts.
      p.each([&](std::size_t i, std::vector<std::size_t> const& four) {
        if (i % 3 == 0) x[four[3]] = x[four[1]] = 4.F;
      });
      std::vector<float> y(p.smaller()), dx(p.larger(), 0.F);
      p.each([&](std::size_t i, std::vector<std::size_t> const& four) {
        std::size_t most = four[0];
        for (std::size_t const k : four) most = x[k] > x[most] ? k : most;
        y[i] = x[most];
        dx[most] = dy[i];
      });
      auto const in = uploaded(exec, x), slope = uploaded(exec, dy);
      Buffer<float> out(exec, p.smaller()), din(exec, p.larger());
      int const larger = p.shape.larger(), smaller = p.shape.smaller();
      visit(exec, [&](auto e) {
        max_pool(e, p.shape, {in.data(), p.images, larger}, {out.data(), p.images, smaller});
        max_pool_backward(e, p.shape, {in.data(), p.images, larger},
                          {slope.data(), p.images, smaller}, {din.data(), p.images, larger});
      });
      EXPECT_EQ(download(out), y) << describe(exec);
      EXPECT_EQ(download(din), dx) << describe(exec);
    }
}

TEST(Pool, DoublesPixelsAndAddsTheirGradients) {
  for (Problem const& p : kProblems)
    for (Exec const& exec : every_machine()) {
      auto const x = normal_numbers(p.smaller(), 0, 1, 3), dy = normal_numbers(p.larger(), 0, 1, 4);
      std::vector<float> y(p.larger()), dx(p.smaller());
      p.each([&](std::size_t i, std::vector<std::size_t> const& four) {
        for (std::size_t const k : four) y[k] = x[i];
        dx[i] = (dy[four[0]] + dy[four[1]]) + (dy[four[2]] + dy[four[3]]);
      });
      auto const in = uploaded(exec, x), slope = uploaded(exec, dy);
      Buffer<float> out(exec, p.larger()), din(exec, p.smaller());
      int const larger = p.shape.larger(), smaller = p.shape.smaller();
      visit(exec, [&](auto e) {
        double_pixels(e, p.shape, {in.data(), p.images, smaller}, {out.data(), p.images, larger});
        double_pixels_backward(e, p.shape, {slope.data(), p.images, larger},
                               {din.data(), p.images, smaller});
      });
      EXPECT_EQ(download(out), y) << describe(exec);
      EXPECT_EQ(download(din), dx) << describe(exec);
    }
}

TEST(Pool, RefusesOddSidesAndOtherSizes) {
  std::vector<float> x(64), y(16);
  EXPECT_THROW(max_pool(Cpu{}, {3, 4, 4}, {x.data(), 1, 48}, {y.data(), 1, 12}), ShapeError);
  EXPECT_THROW(max_pool(Cpu{}, {4, 4, 4}, {x.data(), 1, 64}, {y.data(), 1, 15}), ShapeError);
  EXPECT_THROW(double_pixels(Cpu{}, {4, 4, 4}, {y.data(), 1, 16}, {x.data(), 2, 32}), ShapeError);
}

}  // namespace
}  // namespace loom
