#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <kernels/core/buffer.hpp>
#include <kernels/core/launch.hpp>
#include <sstream>

#include <tests/device.hpp>
#include <tests/kernels/core/lane_bodies.hpp>

namespace loom {
namespace {

using lane_test::Draw;
using lane_test::kDraws;

TEST(Philox, GivesThePublishedAnswers) {
  std::ifstream file(DREAMLOOM_SOURCE_DIR "/tests/fixtures/philox/philox4x32_10.txt");
  int vectors = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    words >> std::hex;
    std::array<std::uint32_t, 10> w{};
    for (auto& word : w) words >> word;
    ASSERT_TRUE(words) << line;
    auto const got = philox<std::uint32_t>({w[0], w[1], w[2], w[3]},
                                           w[4] | static_cast<std::uint64_t>(w[5]) << 32);
    EXPECT_EQ((std::array{got.x, got.y, got.z, got.w}), (std::array{w[6], w[7], w[8], w[9]}))
        << line;
    ++vectors;
  }
  EXPECT_EQ(vectors, 3);
}

TEST(Random, TakesItsWordsFromStreamTickPurposeAndPosition) {
  std::uint64_t const seed = 0x0123456789abcdefULL;
  Random<float> random(seed, 17U, 5U, Purpose::parameters);
  for (std::uint32_t k = 0; k < 11; ++k) {
    auto const block = philox<std::uint32_t>(
        {17U, 5U, static_cast<std::uint32_t>(Purpose::parameters), k / 4}, seed);
    std::array const words{block.x, block.y, block.z, block.w};
    EXPECT_EQ(random.bits(), words[k % 4]) << k;
  }
}

std::vector<float> drawn(Exec const& exec, int n, std::uint64_t seed = 1, std::uint32_t first = 0,
                         std::uint32_t tick = 3) {
  Buffer<float> draws(exec, static_cast<std::size_t>(n) * kDraws);
  visit(exec, [&](auto e) { lane_test::draw_all(e, Draw{seed, first, tick, n, draws.out()}); });
  return download(draws);
}

TEST(Random, GivesTheSameBitsOnEveryMachine) {
  int const n = 3001;
  auto const expected = drawn(Cpu{nullptr, 1}, n, 42);
  std::vector<float> eight(expected.size());
  run_lanes<Pack<float, 8>>(Draw{42, 0, 3, n, eight}, 0, n);
  EXPECT_EQ(eight, expected);
  for (Exec const& exec : every_exec()) EXPECT_EQ(drawn(exec, n, 42), expected);
}

TEST(Random, DoesNotDependOnTheBatch) {
  auto const whole = drawn(Cpu{}, 1000), part = drawn(Cpu{}, 100, 1, 700);
  for (int d = 0; d < kDraws; ++d)
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(part[static_cast<std::size_t>(d * 100 + i)],
                whole[static_cast<std::size_t>(d * 1000 + 700 + i)]);
}

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0;
};

Moments moments(std::vector<double> const& x) {
  Moments m;
  double const n = static_cast<double>(x.size());
  for (double v : x) m.mean += v / n;
  for (double v : x) m.variance += (v - m.mean) * (v - m.mean) / n;
  for (double v : x) {
    double const z = (v - m.mean) / std::sqrt(m.variance);
    m.skew += z * z * z / n;
    m.kurtosis += z * z * z * z / n;
  }
  return m;
}

/// Kolmogorov and Smirnov's statistic times sqrt(n).
template <class Cumulative>
double kolmogorov(std::vector<double> x, Cumulative const& cumulative) {
  std::sort(x.begin(), x.end());
  double const n = static_cast<double>(x.size());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const c = cumulative(x[i]);
    worst = std::max({worst, std::abs(c - static_cast<double>(i) / n),
                      std::abs(static_cast<double>(i + 1) / n - c)});
  }
  return worst * std::sqrt(n);
}

double correlation(std::vector<double> const& x, std::vector<double> const& y) {
  Moments const a = moments(x), b = moments(y);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - a.mean) * (y[i] - b.mean);
  return sum / static_cast<double>(x.size()) / std::sqrt(a.variance * b.variance);
}

class Distribution : public ::testing::Test {
 protected:
  static constexpr int kCount = 1 << 17;
  Distribution() : all_(drawn(Cpu{}, kCount, 2026)) {}
  std::vector<double> draw(int d) const {
    return {all_.begin() + d * std::ptrdiff_t{kCount},
            all_.begin() + (d + 1) * std::ptrdiff_t{kCount}};
  }
  std::vector<float> all_;
};

// Bounds of four standard errors; 1.95 is Kolmogorov's value for one seed in a thousand. The seed
// is fixed.
TEST_F(Distribution, UniformIsUniform) {
  double const error = 4 / std::sqrt(kCount);
  for (int d : {3, 4}) {
    auto const x = draw(d);
    Moments const m = moments(x);
    EXPECT_NEAR(m.mean, 0.5, 5 * std::sqrt(1. / 12) * error);
    EXPECT_NEAR(m.variance, 25. / 12, 25. / 12 * std::sqrt(0.8) * error);
    EXPECT_GE(*std::min_element(x.begin(), x.end()), -2.);
    EXPECT_LT(*std::max_element(x.begin(), x.end()), 3.);
    EXPECT_LT(kolmogorov(x, [](double v) { return (v + 2) / 5; }), 1.95);
  }
  EXPECT_LT(std::abs(correlation(draw(3), draw(4))), error);
}

TEST_F(Distribution, NormalIsNormal) {
  double const error = 4 / std::sqrt(kCount);
  for (int d : {5, 6}) {
    auto const x = draw(d);
    Moments const m = moments(x);
    EXPECT_NEAR(m.mean, 0, error);
    EXPECT_NEAR(m.variance, 1, std::sqrt(2) * error);
    EXPECT_NEAR(m.skew, 0, std::sqrt(6) * error);
    EXPECT_NEAR(m.kurtosis, 3, std::sqrt(24) * error);
    EXPECT_LT(kolmogorov(x, [](double v) { return std::erfc(-v / std::sqrt(2)) / 2; }), 1.95);
  }
  EXPECT_LT(std::abs(correlation(draw(5), draw(6))), error);
}

TEST_F(Distribution, NeighboursTicksAndSeedsAreUnrelated) {
  double const error = 4 / std::sqrt(kCount);
  auto const x = draw(5);
  auto shifted = x;
  std::rotate(shifted.begin(), shifted.begin() + 1, shifted.end());
  EXPECT_LT(std::abs(correlation(x, shifted)), error);
  for (auto const& other : {drawn(Cpu{}, kCount, 2027), drawn(Cpu{}, kCount, 2026, 0, 4)}) {
    std::vector<double> const y(other.begin() + 5 * std::ptrdiff_t{kCount},
                                other.begin() + 6 * std::ptrdiff_t{kCount});
    EXPECT_LT(std::abs(correlation(x, y)), error);
  }
}

}  // namespace
}  // namespace loom
