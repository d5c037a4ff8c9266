#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/nn/laprop.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// The published composition in double: clip a tensor, divide by the corrected root, then momentum.
struct Reference {
  LaPropConfig c;
  std::vector<std::size_t> sizes;
  std::vector<double> p, m, v;
  int t = 0;

  void step(std::vector<float> const& gradient, double rate) {
    ++t;
    std::size_t first = 0;
    for (std::size_t size : sizes) {
      double gg = 0, ww = 0;
      for (std::size_t i = first; i < first + size; ++i) {
        gg += double(gradient[i]) * gradient[i];
        ww += p[i] * p[i];
      }
      double const most = double(c.clip) * std::max(double(c.minimum_norm), std::sqrt(ww));
      double const scale = c.clip > 0 ? std::min(1., most / std::sqrt(gg)) : 1;
      for (std::size_t i = first; i < first + size; ++i) {
        double const g = gradient[i] * scale;
        v[i] = double(c.beta2) * v[i] + (1 - double(c.beta2)) * g * g;
        double const u =
            g / (std::sqrt(v[i] / (1 - std::pow(double(c.beta2), t))) + double(c.epsilon));
        m[i] = double(c.beta1) * m[i] + (1 - double(c.beta1)) * u;
        p[i] -= rate * m[i] / (1 - std::pow(double(c.beta1), t));
      }
      first += size;
    }
  }
};

TEST(LaProp, FollowsADoubleReferenceForAHundredSteps) {
  std::vector<std::size_t> const sizes{3, 5000, 1, 130, 4096, 9000};
  std::size_t n = 0;
  for (std::size_t s : sizes) n += s;
  auto const start = normal_numbers(n, 0, 0.1, 1);
  std::vector<float> first_bits;
  for (Exec const& exec : every_machine()) {
    LaPropConfig const c;
    LaProp laprop(exec, sizes, c);
    Reference want{
        c, sizes, {start.begin(), start.end()}, std::vector<double>(n), std::vector<double>(n)};
    auto parameters = uploaded(exec, start);
    auto const rate = uploaded(exec, std::vector<float>{1e-3F});
    for (unsigned t = 0; t < 100; ++t) {
      // Some tensors are clipped, some are not.
      auto const g = normal_numbers(n, 0, 0.02 * (1 + t % 5), 10 + t);
      auto const gradient = uploaded(exec, g);
      laprop.step(exec, parameters.out(), gradient, rate);
      want.step(g, double(1e-3F));
      double sum = 0;
      for (float x : g) sum += double(x) * x;
      EXPECT_NEAR(download(exec, laprop.norm())[0], std::sqrt(sum), 1e-5 * std::sqrt(sum));
    }
    auto const got = download(parameters);
    for (std::size_t i = 0; i < n; ++i) ASSERT_NEAR(got[i], want.p[i], 3e-6) << i;
    if (first_bits.empty()) first_bits = got;
    EXPECT_EQ(got, first_bits) << "every machine has the same bits";
    EXPECT_EQ(download<std::int32_t>(exec, laprop.counters()), (std::vector<std::int32_t>{100, 0}));
  }
}

// So many slabs of a tensor, and so many tensors, that every lane of every fold has work.
TEST(LaProp, NormsOfLongTensorsAndOfManyTensors) {
  std::vector<std::size_t> sizes(140, 1);
  sizes.push_back(140 * kLaPropSlab);
  std::size_t const n = 140 + sizes.back();
  LaPropConfig const c{.beta1 = 0, .beta2 = 0, .epsilon = 0.999F, .clip = 0.3F};
  auto const start = normal_numbers(n, 0, 1, 1), g = normal_numbers(n, 0, 1, 2);
  for (Exec const& exec : every_exec()) {
    LaProp laprop(exec, sizes, c);
    Reference want{
        c, sizes, {start.begin(), start.end()}, std::vector<double>(n), std::vector<double>(n)};
    auto parameters = uploaded(exec, start);
    auto const gradient = uploaded(exec, g), rate = uploaded(exec, std::vector<float>{1});
    laprop.step(exec, parameters.out(), gradient, rate);
    want.step(g, 1);
    double sum = 0;
    for (float x : g) sum += double(x) * x;
    EXPECT_NEAR(download(exec, laprop.norm())[0], std::sqrt(sum), 1e-5 * std::sqrt(sum));
    auto const got = download(parameters);
    for (std::size_t i = 0; i < n; ++i) ASSERT_NEAR(got[i], want.p[i], 1e-5) << i;
  }
}

TEST(LaProp, AConstantGradientMovesByItsSignTimesTheRate) {
  for (Exec const& exec : every_machine()) {
    LaProp laprop(exec, {4}, {});
    auto parameters = uploaded(exec, std::vector<float>{1, 1, 1, 1});
    auto const gradient = uploaded(exec, std::vector<float>{1e-6F, -3.F, 0.F, 200.F});
    std::vector<double> want{1, 1, 1, 1};
    for (int step = 1; step <= 20; ++step) {
      // The learning rate's warm-up: step n has (n - 1) / 1000 of it.
      float const now = 0.01F * static_cast<float>(step - 1) / 1000;
      auto const rate = uploaded(exec, std::vector<float>{now});
      laprop.step(exec, parameters.out(), gradient, rate);
      want[0] -= double(now);
      want[1] += double(now);
      want[3] -= double(now);
      auto const got = download(parameters);
      for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(got[i], want[i], 2e-7 * step) << step << ", " << i;
    }
  }
}

TEST(LaProp, ClipsEachTensorByItsOwnNorm) {
  // beta1 = beta2 = 0 leaves the sign alone; a large epsilon makes the step epsilon's share of the gradient.
  LaPropConfig const c{.beta1 = 0, .beta2 = 0, .epsilon = 0.999F, .clip = 0.3F};
  for (Exec const& exec : every_machine()) {
    LaProp laprop(exec, {2, 2, 1}, c);
    std::vector<float> const start{3, 4, 3, 4, 0};
    auto parameters = uploaded(exec, start);
    auto const gradient = uploaded(exec, std::vector<float>{0.3F, 0.4F, 30, 40, 7}),
               rate = uploaded(exec, std::vector<float>{1});
    laprop.step(exec, parameters.out(), gradient, rate);
    auto const got = download(parameters);
    // Norm 0.5 is below 0.3 x 5, norm 50 is cut to 1.5; a tensor of zeros counts as 1e-3.
    std::vector<double> const clipped{0.3, 0.4, 0.9, 1.2, 0.3e-3};
    for (std::size_t i = 0; i < clipped.size(); ++i)
      EXPECT_NEAR(got[i], start[i] - clipped[i] / (clipped[i] + double(0.999F)), 1e-6) << i;
  }
}

TEST(LaProp, SkipsAndCountsAGradientThatIsNotFinite) {
  for (Exec const& exec : every_machine()) {
    LaProp laprop(exec, {1, 1}, {});
    auto parameters = uploaded(exec, std::vector<float>{1, 2});
    auto const rate = uploaded(exec, std::vector<float>{0.1F});
    auto const bad = uploaded(exec, std::vector<float>{0.3F, std::nanf("")}),
               good = uploaded(exec, std::vector<float>{0.3F, 1});
    laprop.step(exec, parameters.out(), bad, rate);
    EXPECT_EQ(download(parameters), (std::vector<float>{1, 2}));
    EXPECT_EQ(download<float>(exec, laprop.momentum()), (std::vector<float>{0, 0}));
    laprop.step(exec, parameters.out(), good, rate);
    EXPECT_LT(download(parameters)[1], 2);
    EXPECT_EQ(download<std::int32_t>(exec, laprop.counters()), (std::vector<std::int32_t>{1, 1}));
  }
}

TEST(LaProp, ReplaysFromAGraph) {
  for (Exec const& exec : every_exec()) {
    auto const g = normal_numbers(6000, 0, 1, 2);
    auto const gradient = uploaded(exec, g), rate = uploaded(exec, std::vector<float>{0.01F});
    LaProp live(exec, {5000, 1000}, {}), captured(exec, {5000, 1000}, {});
    auto a = uploaded(exec, g), b = uploaded(exec, g);
    Graph graph(exec, [&](Exec const& e) { captured.step(e, b.out(), gradient, rate); });
    for (int t = 0; t < 3; ++t) {
      live.step(exec, a.out(), gradient, rate);
      graph.launch();
    }
    EXPECT_EQ(download(b), download(a));
  }
}

TEST(LaProp, SaysWhatItCannotUse) {
  EXPECT_THROW(LaProp(Cpu{}, {3, 0}, {}), ConfigError);
  EXPECT_THROW(LaProp(Cpu{}, {}, {}), ConfigError);
  EXPECT_THROW(LaProp(Cpu{}, {3}, {.beta2 = 1}), ConfigError);
  LaProp laprop(Cpu{}, {3}, {});
  std::vector<float> three(3), two(2), one(1);
  EXPECT_THROW(laprop.step(Cpu{}, two, two, one), ShapeError);
  EXPECT_THROW(laprop.step(Cpu{}, three, two, one), ShapeError);
}

}  // namespace
}  // namespace loom
