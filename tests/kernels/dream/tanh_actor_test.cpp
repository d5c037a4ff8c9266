#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/dream/tanh_actor.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr std::uint64_t kSeed = 5;
constexpr std::uint32_t kTick = 9;

/// The definition, in double, from the noise of the row.
double action_of(double m, double s, double noise) {
  double const mean = 5 * std::tanh(m / 5);
  double const x = s + std::log(std::expm1(5.));
  double const deviation = std::max(x, 0.) + std::log1p(std::exp(-std::abs(x))) + 1e-4;
  return std::tanh(mean + deviation * noise);
}

TEST(TanhActor, DrawsAndGradientsAreTheirDefinition) {
  int const rows = 70, n = 3;
  auto raw = normal_numbers(rows * 2 * n, 0, 3, 1);
  // Narrow ones as well: with a deviation of 5 most draws lie where tanh is flat.
  for (int r = 0; r < rows; r += 2)
    for (int k = n; k < 2 * n; ++k) raw[static_cast<std::size_t>(r * 2 * n + k)] -= 7;
  auto const d = normal_numbers(rows * n, 0, 1, 2);
  std::vector<float> first;
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, raw), slope = uploaded(exec, d);
    auto const stream = uploaded(exec, count_from(3, rows)),
               tick = uploaded(exec, count_from(kTick, 1));
    Buffer<float> action(exec, rows * n), draw(exec, rows * 2 * n), mode(exec, rows * n);
    RowDraws const draws{kSeed, stream.in(), tick.in()};
    visit(exec, [&](auto e) {
      InRows<float> const in(x.data(), rows, 2 * n);
      tanh_actor_sample(e, {}, in, draws, {action.data(), rows, n});
      tanh_actor_sample(e, {}, in, {}, {mode.data(), rows, n});
      tanh_actor_backward(e, {}, in, draws, {slope.data(), rows, n}, {draw.data(), rows, 2 * n});
    });
    auto const got = download(action), modes = download(mode), gradient = download(draw);
    for (int r = 0; r < rows; ++r) {
      Random<float> random(kSeed, static_cast<std::uint32_t>(3 + r), kTick, Purpose::action);
      for (int k = 0; k < n; ++k) {
        double const noise = random.normal();
        auto const at = static_cast<std::size_t>(r * n + k);
        double const m = raw[static_cast<std::size_t>(r * 2 * n + k)],
                     s = raw[static_cast<std::size_t>(r * 2 * n + n + k)];
        EXPECT_NEAR(got[at], action_of(m, s, noise), 2e-6);
        EXPECT_NEAR(modes[at], action_of(m, s, 0), 2e-6);
        auto const check = [&](int col, double want) {
          EXPECT_NEAR(gradient[static_cast<std::size_t>(r * 2 * n + col)], d[at] * want,
                      2e-5 * std::max(0.1, std::abs(d[at] * want)))
              << r << ", " << col;
        };
        check(k, central_difference([&](double v) { return action_of(v, s, noise); }, m));
        check(n + k, central_difference([&](double v) { return action_of(m, v, noise); }, s));
      }
    }
    if (first.empty()) first = gradient;
    EXPECT_EQ(gradient, first) << describe(exec);
  }
}

TEST(TanhActor, NoiseIsAddedAndClipped) {
  int const rows = 50000;
  std::vector<float> raw;
  for (int r = 0; r < rows; ++r) raw.insert(raw.end(), {0.2F, -30.F});
  TanhActor noisy;
  noisy.noise = 0.3F;
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, raw);
    auto const stream = uploaded(exec, count_from(0, rows)),
               tick = uploaded(exec, count_from(1, 1));
    Buffer<float> action(exec, rows);
    visit(exec, [&](auto e) {
      tanh_actor_sample(e, noisy, {x.data(), rows, 2}, {kSeed, stream.in(), tick.in()},
                        {action.data(), rows, 1});
    });
    double sum = 0, squares = 0;
    double const mean = action_of(0.2, -30, 0);
    for (float const a : download(action)) {
      ASSERT_LE(std::abs(a), 1.F);
      sum += a;
      squares += (a - mean) * (a - mean);
    }
    // One draw in 250 lies beyond 1 and is clipped.
    EXPECT_NEAR(sum / rows, mean, 0.006);
    EXPECT_NEAR(std::sqrt(squares / rows), 0.3, 0.006);
  }
}

TEST(TanhActor, SaysWhatDoesNotFit) {
  std::vector<float> x(12);
  std::vector<std::uint32_t> stream(3), tick(1);
  RowDraws const draws{1, stream, tick};
  TanhActor noisy;
  noisy.noise = 0.3F;
  EXPECT_THROW(tanh_actor_sample(Cpu{}, {}, {x.data(), 3, 4}, draws, {x.data(), 3, 3}), ShapeError);
  EXPECT_THROW(tanh_actor_backward(Cpu{}, noisy, {x.data(), 3, 4}, draws, {x.data(), 3, 2},
                                   {x.data(), 3, 4}),
               ConfigError);
}

}  // namespace
}  // namespace loom
