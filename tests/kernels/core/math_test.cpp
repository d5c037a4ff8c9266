#include <cmath>
#include <functional>
#include <kernels/core/buffer.hpp>
#include <kernels/core/launch.hpp>
#include <limits>

#include <tests/device.hpp>
#include <tests/kernels/core/lane_bodies.hpp>

namespace loom {
namespace {

using lane_test::Function;

struct Claim {
  char const* name;
  Function function;
  float low, high;  // the stated range
  double ulps;      // the bound
  std::function<double(double)> reference;
};

// The bounds of math.hpp, and for functions made of others what their chain of roundings allows.
std::vector<Claim> claims() {
  return {
      {"sqrt", Function::sqrt, 0.F, 1e30F, 0.5, [](double x) { return std::sqrt(x); }},
      {"reciprocal", Function::reciprocal, 1e-30F, 1e30F, 0.5, [](double x) { return 1 / x; }},
      {"sin", Function::sin, -100.F, 100.F, 1.5, [](double x) { return std::sin(x); }},
      {"cos", Function::cos, -100.F, 100.F, 1.5, [](double x) { return std::cos(x); }},
      {"exp", Function::exp, -87.F, 88.F, 1.1, [](double x) { return std::exp(x); }},
      {"log", Function::log, 1.2e-38F, 3e38F, 1.1, [](double x) { return std::log(x); }},
      {"log1p", Function::log1p, -0.99F, 1e6F, 2.5, [](double x) { return std::log1p(x); }},
      {"expm1", Function::expm1, -20.F, 20.F, 4, [](double x) { return std::expm1(x); }},
      {"tanh", Function::tanh, -20.F, 20.F, 5, [](double x) { return std::tanh(x); }},
      {"sigmoid", Function::sigmoid, -80.F, 80.F, 3,
       [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"softplus", Function::softplus, -80.F, 80.F, 4,
       [](double x) { return std::max(x, 0.) + std::log1p(std::exp(-std::abs(x))); }},
  };
}

// Even in x and, for small numbers, even in their exponent.
std::vector<float> points(float low, float high) {
  std::vector<float> x;
  constexpr int n = 40000;
  for (int i = 0; i <= n; ++i)
    x.push_back(static_cast<float>(low + (static_cast<double>(high) - low) * i / n));
  for (int i = 0; i <= n; ++i) {
    float const small = std::exp2(-126.F + 253.F * static_cast<float>(i) / n);
    if (small >= low && small <= high) x.push_back(small);
    if (-small >= low && -small <= high) x.push_back(-small);
  }
  return x;
}

double ulp(double y) {
  float const f = static_cast<float>(std::abs(y));
  return std::nextafter(f, std::numeric_limits<float>::infinity()) - static_cast<double>(f);
}

template <class F>
std::vector<float> on_lanes(Function function, std::vector<float> const& x) {
  std::vector<float> y(x.size());
  run_lanes<F>(lane_test::Evaluate{function, x, y}, 0, static_cast<int>(x.size()));
  return y;
}

// Bits, so that NaN equals NaN and -0 differs from 0.
std::vector<std::int32_t> bits(std::vector<float> const& x) {
  std::vector<std::int32_t> b;
  for (float v : x) b.push_back(v != v ? 0x7fffffff : as_int(v));
  return b;
}

TEST(Math, KeepsItsErrorBounds) {
  for (Claim const& claim : claims()) {
    auto const x = points(claim.low, claim.high);
    auto const y = on_lanes<Wide>(claim.function, x);
    double worst = 0;
    float where = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      double const expected = claim.reference(x[i]);
      if (std::abs(expected) < 1e-36) continue;  // near the denormals products lose digits
      double const error = std::abs(y[i] - expected) / ulp(expected);
      if (!(error <= worst)) {
        worst = error;
        where = x[i];
      }
    }
    EXPECT_LE(worst, claim.ulps) << claim.name << "(" << where << ")";
  }
}

TEST(Math, HasTheStatedLimits) {
  EXPECT_EQ(math::exp(-1000.F), math::exp(-87.3F));
  EXPECT_TRUE(std::isfinite(math::exp(1000.F)));
  // Below 1, so that log(1 - y^2) of a squashed action stays finite.
  for (float x = 5.F; x < 10.F; x += 1.F / 4096.F) EXPECT_LT(math::tanh(x), 1.F) << x;
  EXPECT_EQ(math::tanh(1e30F), math::tanh(7.95F));
  EXPECT_EQ(math::tanh(-9.F), -math::tanh(9.F));
  EXPECT_EQ(math::clamp(std::nanf(""), -1.F, 2.F), -1.F);
  EXPECT_EQ(math::min(std::nanf(""), 2.F), 2.F);
  EXPECT_TRUE(std::isnan(math::max(1.F, std::nanf(""))));
  for (float const x : {-1000.F, -3.2F, 0.F, 3.1F, 3.2F, 999.F}) {
    float const a = math::wrap_angle(x);
    EXPECT_LE(std::abs(a), math::kPi + 1e-6F);
    EXPECT_NEAR(std::remainder(static_cast<double>(x) - a, 2 * M_PI), 0., 1e-4);  // 1000 times 1e-7
  }
}

// The whole of what bodies use: the same bits for one lane, 8 and 16 lanes, and a device.
TEST(Math, GivesTheSameBitsOnEveryMachine) {
  for (int f = 0; f <= static_cast<int>(Function::selected); ++f) {
    auto const function = static_cast<Function>(f);
    auto x = points(-90.F, 90.F);
    if (function == Function::log) x = points(1.2e-38F, 1e38F);
    if (function == Function::log1p) x = points(-0.9F, 1e30F);
    if (function == Function::sqrt) x = points(0.F, 1e38F);
    if (function != Function::log) x.insert(x.end(), {0.F, -0.F, 1.F, -0.5F, 0.25F});
    auto const expected = bits(on_lanes<float>(function, x));
    EXPECT_EQ(bits(on_lanes<Pack<float, 8>>(function, x)), expected) << f;
    EXPECT_EQ(bits(on_lanes<Pack<float, 16>>(function, x)), expected) << f;
    for (Exec const& exec : every_exec()) {
      auto const input = uploaded(exec, x);
      Buffer<float> y(exec, x.size());
      visit(exec, [&](auto e) { lane_test::evaluate_all(e, function, input.in(), y.out()); });
      EXPECT_EQ(bits(download(y)), expected) << f;
    }
  }
}

}  // namespace
}  // namespace loom
