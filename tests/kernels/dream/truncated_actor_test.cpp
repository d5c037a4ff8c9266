#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/dream/truncated_actor.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr std::uint64_t kSeed = 5;
constexpr std::uint32_t kTick = 9;

double below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.)); }
double density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI); }

struct Reference {
  double mean, deviation, low, high, share;

  Reference(double m, double s)
      : mean(std::tanh(m)),
        deviation(2 / (1 + std::exp(-s / 2)) + 0.1),
        low((-1 - mean) / deviation),
        high((1 - mean) / deviation),
        share(below(high) - below(low)) {}
  /// The action below which a share u lies, by bisection.
  double quantile(double u) const {
    double a = -1, b = 1;
    for (int n = 0; n < 80; ++n) {
      double const x = (a + b) / 2;
      bool const under = (below((x - mean) / deviation) - below(low)) / share < u;
      (under ? a : b) = x;
    }
    return (a + b) / 2;
  }
  double entropy() const {
    return std::log(std::sqrt(2 * M_PI * M_E) * deviation * share) +
           (low * density(low) - high * density(high)) / (2 * share);
  }
};

TEST(TruncatedActor, DrawsEntropyAndGradientsAreTheirDefinition) {
  int const rows = 200, n = 2;
  // Deviations from 0.1 to 2.1, means up to the ends.
  auto const raw = normal_numbers(rows * 2 * n, 0, 2.5, 1), d = normal_numbers(rows * n, 0, 1, 2),
             weight = normal_numbers(rows, 0, 1, 3);
  std::vector<float> first;
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, raw), slope = uploaded(exec, d), w = uploaded(exec, weight);
    auto const stream = uploaded(exec, count_from(3, rows)),
               tick = uploaded(exec, count_from(kTick, 1));
    Buffer<float> action(exec, rows * n), draw(exec, rows * 2 * n), mode(exec, rows * n),
        entropy(exec, rows);
    RowDraws const draws{kSeed, stream.in(), tick.in()};
    visit(exec, [&](auto e) {
      InRows<float> const in(x.data(), rows, 2 * n);
      truncated_actor_sample(e, in, draws, {action.data(), rows, n});
      truncated_actor_sample(e, in, {}, {mode.data(), rows, n});
      truncated_actor_backward(e, in, draws, {slope.data(), rows, n}, w.in(),
                               {draw.data(), rows, 2 * n}, entropy.out());
    });
    auto const got = download(action), modes = download(mode), gradient = download(draw),
               h = download(entropy);
    for (int r = 0; r < rows; ++r) {
      Random<float> random(kSeed, static_cast<std::uint32_t>(3 + r), kTick, Purpose::action);
      double sum = 0;
      for (int k = 0; k < n; ++k) {
        double const u = random.uniform();
        auto const at = static_cast<std::size_t>(r * n + k);
        double const m = raw[static_cast<std::size_t>(r * 2 * n + k)],
                     s = raw[static_cast<std::size_t>(r * 2 * n + n + k)];
        Reference const p(m, s);
        EXPECT_NEAR(got[at], std::min(std::max(p.quantile(u), -1 + 1e-6), 1 - 1e-6), 2e-5)
            << "deviation " << p.deviation << ", mean " << p.mean << ", u " << u;
        EXPECT_NEAR(modes[at], p.mean, 1e-6);
        sum += p.entropy();
        auto const objective = [&](Reference const& q) {
          return d[at] * q.quantile(u) + weight[static_cast<std::size_t>(r)] * q.entropy();
        };
        auto const check = [&](int col, double want) {
          EXPECT_NEAR(gradient[static_cast<std::size_t>(r * 2 * n + col)], want,
                      1e-3 * std::max(0.1, std::abs(want)))
              << r << ", " << col << ": deviation " << p.deviation << ", mean " << p.mean;
        };
        check(k, central_difference([&](double v) { return objective({v, s}); }, m, 1e-4));
        check(n + k, central_difference([&](double v) { return objective({m, v}); }, s, 1e-4));
      }
      EXPECT_NEAR(h[static_cast<std::size_t>(r)], sum, 2e-5 * std::max(1., std::abs(sum)));
    }
    if (first.empty()) first = gradient;
    EXPECT_EQ(gradient, first) << describe(exec);
  }
}

TEST(TruncatedActor, SaysWhatDoesNotFit) {
  std::vector<float> x(12), three(3), four(4);
  std::vector<std::uint32_t> stream(3), tick(1);
  RowDraws const draws{1, stream, tick};
  EXPECT_THROW(truncated_actor_sample(Cpu{}, {x.data(), 3, 4}, draws, {x.data(), 3, 3}),
               ShapeError);
  EXPECT_THROW(truncated_actor_backward(Cpu{}, {x.data(), 3, 4}, draws, {x.data(), 3, 2}, four,
                                        {x.data(), 3, 4}, three),
               ShapeError);
}

}  // namespace
}  // namespace loom
