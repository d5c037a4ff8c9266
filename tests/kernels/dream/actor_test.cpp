#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/dream/actor.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kRows = 70;
constexpr double kEntropy = 0.05, kRange = 2.5;

struct Batch {
  std::vector<float> returns = normal_numbers(kRows, 3, 2, 1),
                     baseline = normal_numbers(kRows, 2, 2, 2),
                     weight = normal_numbers(kRows, 1, 0.3, 3);
  double advantage(int r) const {
    auto const at = static_cast<std::size_t>(r);
    return (double{returns[at]} - double{baseline[at]}) / std::max(1., kRange);
  }
};

/// Calls loss(e, batch on the device, metrics) and returns the losses and entropies.
template <class F>
std::array<std::vector<float>, 2> metrics_of(Exec const& exec, Batch const& b, F const& loss) {
  auto const returns = uploaded(exec, b.returns), baseline = uploaded(exec, b.baseline),
             weight = uploaded(exec, b.weight),
             range = uploaded(exec, std::vector<float>{static_cast<float>(kRange)});
  Buffer<float> losses(exec, kRows), entropy(exec, kRows);
  visit(exec, [&](auto e) {
    loss(e, ActorBatch{returns.in(), baseline.in(), weight.in(), range.in()},
         ActorMetrics{losses.out(), entropy.out()});
  });
  return {download(losses), download(entropy)};
}

std::vector<double> probabilities(std::vector<double> const& logits, double unimix) {
  double const max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double const x : logits) sum += std::exp(x - max);
  std::vector<double> p;
  for (double const x : logits)
    p.push_back((1 - unimix) * std::exp(x - max) / sum +
                unimix / static_cast<double>(logits.size()));
  return p;
}

double entropy_of(std::vector<double> const& p) {
  double h = 0;
  for (double const x : p) h -= x * std::log(x);
  return h;
}

TEST(Actor, CategoricalLossIsItsEquationWithItsGradient) {
  Batch const b;
  for (int const n : {2, 5, 17})
    for (float const unimix : {0.F, 0.01F}) {
      auto const logits = normal_numbers(static_cast<std::size_t>(kRows * n), 0, 2, 4);
      std::vector<std::int32_t> action;
      for (int r = 0; r < kRows; ++r) action.push_back(r % n);
      std::vector<float> first;
      for (Exec const& exec : every_machine()) {
        auto const x = uploaded(exec, logits);
        auto const a = uploaded(exec, action);
        Buffer<float> dlogits(exec, logits.size());
        ActorConfig config;
        config.entropy = static_cast<float>(kEntropy);
        config.unimix = unimix;
        auto const [losses, entropy] =
            metrics_of(exec, b, [&](auto e, ActorBatch const& batch, ActorMetrics const& metrics) {
              actor_categorical_loss(e, config, {x.data(), kRows, n}, a.in(), batch,
                                     {dlogits.data(), kRows, n}, metrics);
            });
        auto const got = download(dlogits);
        for (int r = 0; r < kRows; ++r) {
          auto const at = static_cast<std::size_t>(r);
          std::vector<double> row(logits.begin() + r * n, logits.begin() + (r + 1) * n);
          auto const loss = [&](std::vector<double> const& moved) {
            auto const p = probabilities(moved, double{unimix});
            return -double{b.weight[at]} *
                   (b.advantage(r) * std::log(p[static_cast<std::size_t>(action[at])]) +
                    kEntropy * entropy_of(p));
          };
          EXPECT_NEAR(losses[at], loss(row), 1e-5 * std::max(1., std::abs(loss(row))));
          EXPECT_NEAR(entropy[at], entropy_of(probabilities(row, double{unimix})), 1e-5);
          for (int k = 0; k < n; ++k) {
            auto const of = [&](double v) {
              auto moved = row;
              moved[static_cast<std::size_t>(k)] = v;
              return loss(moved) / kRows;
            };
            EXPECT_NEAR(got[static_cast<std::size_t>(r * n + k)],
                        central_difference(of, row[static_cast<std::size_t>(k)]), 2e-7)
                << r << ", " << k << " of " << n << ", unimix " << unimix;
          }
        }
        if (first.empty()) first = got;
        EXPECT_EQ(got, first) << describe(exec);
      }
    }
}

struct Normal {
  double mean, deviation;
  Normal(double m, double s)
      : mean(std::tanh(m)), deviation(0.1 + 0.9 / (1 + std::exp(-(s + 2)))) {}
  double log_prob(double x) const {
    double const z = (x - mean) / deviation;
    return -0.5 * z * z - std::log(deviation) - 0.5 * std::log(2 * M_PI);
  }
  double entropy() const { return std::log(deviation) + 0.5 + 0.5 * std::log(2 * M_PI); }
};

TEST(Actor, NormalLossIsItsEquationWithItsGradient) {
  Batch const b;
  for (int const n : {1, 3}) {
    auto const raw = normal_numbers(static_cast<std::size_t>(kRows * 2 * n), 0, 1, 5),
               action = normal_numbers(static_cast<std::size_t>(kRows * n), 0, 1, 6);
    std::vector<float> first;
    for (Exec const& exec : every_machine()) {
      auto const x = uploaded(exec, raw), a = uploaded(exec, action);
      Buffer<float> draw(exec, raw.size());
      ActorConfig config;
      config.entropy = static_cast<float>(kEntropy);
      auto const [losses, entropy] =
          metrics_of(exec, b, [&](auto e, ActorBatch const& batch, ActorMetrics const& metrics) {
            actor_normal_loss(e, config, {x.data(), kRows, 2 * n}, {a.data(), kRows, n}, batch,
                              {draw.data(), kRows, 2 * n}, metrics);
          });
      auto const got = download(draw);
      for (int r = 0; r < kRows; ++r) {
        auto const at = static_cast<std::size_t>(r);
        std::vector<double> row(raw.begin() + r * 2 * n, raw.begin() + (r + 1) * 2 * n);
        auto const loss = [&](std::vector<double> const& moved) {
          double log_prob = 0, h = 0;
          for (int k = 0; k < n; ++k) {
            Normal const p(moved[static_cast<std::size_t>(k)],
                           moved[static_cast<std::size_t>(n + k)]);
            log_prob += p.log_prob(action[static_cast<std::size_t>(r * n + k)]);
            h += p.entropy();
          }
          return -double{b.weight[at]} * (b.advantage(r) * log_prob + kEntropy * h);
        };
        EXPECT_NEAR(losses[at], loss(row), 2e-5 * std::max(1., std::abs(loss(row))));
        for (int k = 0; k < 2 * n; ++k) {
          auto const of = [&](double v) {
            auto moved = row;
            moved[static_cast<std::size_t>(k)] = v;
            return loss(moved) / kRows;
          };
          double const want = central_difference(of, row[static_cast<std::size_t>(k)]);
          EXPECT_NEAR(got[static_cast<std::size_t>(r * 2 * n + k)], want,
                      1e-5 * std::max(0.1, std::abs(want)))
              << r << ", " << k << " of " << n;
        }
      }
      if (first.empty()) first = got;
      EXPECT_EQ(got, first) << describe(exec);
    }
  }
}

TEST(Actor, NormalGradientsThroughTheDrawsAndTheEntropyAreTheirDefinition) {
  std::uint64_t const seed = 5;
  std::uint32_t const now = 9;
  auto const weight = normal_numbers(kRows, 0, 1, 9);
  for (int const n : {1, 3}) {
    auto const raw = normal_numbers(static_cast<std::size_t>(kRows * 2 * n), 0, 2, 10),
               d = normal_numbers(static_cast<std::size_t>(kRows * n), 0, 1, 11);
    std::vector<float> first;
    for (Exec const& exec : every_machine()) {
      auto const x = uploaded(exec, raw), slope = uploaded(exec, d), w = uploaded(exec, weight);
      auto const stream = uploaded(exec, count_from(3, kRows)),
                 tick = uploaded(exec, count_from(now, 1));
      Buffer<float> action(exec, d.size()), draw(exec, raw.size()), entropy(exec, kRows);
      RowDraws const draws{seed, stream.in(), tick.in()};
      visit(exec, [&](auto e) {
        InRows<float> const in(x.data(), kRows, 2 * n);
        actor_normal_sample(e, {}, in, draws, {action.data(), kRows, n});
        actor_normal_backward(e, {}, in, draws, {slope.data(), kRows, n}, w.in(),
                              {draw.data(), kRows, 2 * n}, entropy.out());
      });
      auto const acts = download(action), got = download(draw), h = download(entropy);
      for (int r = 0; r < kRows; ++r) {
        Random<float> random(seed, static_cast<std::uint32_t>(3 + r), now, Purpose::action);
        double sum = 0;
        for (int k = 0; k < n; ++k) {
          double const noise = random.normal();
          auto const at = static_cast<std::size_t>(r * n + k);
          double const m = raw[static_cast<std::size_t>(r * 2 * n + k)],
                       s = raw[static_cast<std::size_t>(r * 2 * n + n + k)];
          Normal const p(m, s);
          EXPECT_NEAR(acts[at], p.mean + p.deviation * noise, 2e-6);
          sum += p.entropy();
          auto const objective = [&](Normal const& q) {
            return d[at] * (q.mean + q.deviation * noise) +
                   weight[static_cast<std::size_t>(r)] * q.entropy();
          };
          auto const check = [&](int col, double want) {
            EXPECT_NEAR(got[static_cast<std::size_t>(r * 2 * n + col)], want,
                        2e-5 * std::max(0.1, std::abs(want)))
                << r << ", " << col << " of " << n;
          };
          check(k, central_difference([&](double v) { return objective({v, s}); }, m));
          check(n + k, central_difference([&](double v) { return objective({m, v}); }, s));
        }
        EXPECT_NEAR(h[static_cast<std::size_t>(r)], sum, 1e-5 * std::max(1., std::abs(sum)));
      }
      if (first.empty()) first = got;
      EXPECT_EQ(got, first) << describe(exec);
    }
  }
}

TEST(Actor, NormalDrawsHaveTheMeanAndDeviationTheySay) {
  int const rows = 100000;
  std::vector<float> raw;
  for (int r = 0; r < rows; ++r) raw.insert(raw.end(), {0.4F, -1.5F});
  Normal const want(0.4, -1.5);
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, raw);
    auto const stream = uploaded(exec, count_from(0, rows)),
               tick = uploaded(exec, count_from(7, 1));
    Buffer<float> action(exec, rows), mode(exec, rows);
    visit(exec, [&](auto e) {
      actor_normal_sample(e, {}, {x.data(), rows, 2}, {3, stream.in(), tick.in()},
                          {action.data(), rows, 1});
      actor_normal_sample(e, {}, {x.data(), rows, 2}, {}, {mode.data(), rows, 1});
    });
    double sum = 0, squares = 0;
    for (float const a : download(action)) {
      sum += a;
      squares += (a - want.mean) * (a - want.mean);
    }
    double const error = want.deviation / std::sqrt(rows);
    EXPECT_NEAR(sum / rows, want.mean, 4 * error);
    EXPECT_NEAR(std::sqrt(squares / rows), want.deviation, 4 * error);
    for (float const a : download(mode)) ASSERT_NEAR(a, want.mean, 1e-6);
  }
}

TEST(Actor, ModeIsTheGreatestLogit) {
  int const rows = 33, n = 5;
  auto logits = normal_numbers(rows * n, 0, 1, 8);
  std::fill_n(logits.begin(), n, 1.F);  // equal ones: the first
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, logits);
    Buffer<std::int32_t> index(exec, rows);
    Buffer<float> one_hot(exec, rows * n);
    visit(exec, [&](auto e) {
      actor_categorical_mode(e, {x.data(), rows, n}, index.out(), {one_hot.data(), rows, n});
    });
    auto const at = download(index);
    auto const got = download(one_hot);
    for (int r = 0; r < rows; ++r) {
      auto const best =
          std::max_element(logits.begin() + r * n, logits.begin() + (r + 1) * n) - logits.begin();
      EXPECT_EQ(at[static_cast<std::size_t>(r)], best - r * n);
      for (int k = 0; k < n; ++k)
        EXPECT_EQ(got[static_cast<std::size_t>(r * n + k)], r * n + k == best ? 1.F : 0.F);
    }
  }
}

TEST(Actor, SaysWhatDoesNotFit) {
  std::vector<float> x(12), six(6), three(3);
  std::vector<std::int32_t> action(3);
  OutRows<float> const rows(x.data(), 3, 4);
  ActorBatch const fits{three, three, three, {}}, too_long{six, three, three, {}};
  EXPECT_THROW(actor_categorical_loss(Cpu{}, {}, rows, action, too_long, rows, {three, three}),
               ShapeError);
  EXPECT_THROW(actor_categorical_loss(Cpu{}, {}, rows, action, fits, rows, {three, six}),
               ShapeError);
  EXPECT_THROW(actor_normal_loss(Cpu{}, {}, rows, {x.data(), 3, 3}, fits, rows, {three, three}),
               ShapeError);
  EXPECT_THROW(actor_normal_sample(Cpu{}, {}, rows, {}, {x.data(), 3, 1}), ShapeError);
  std::vector<std::uint32_t> stream(3), tick(1);
  EXPECT_THROW(
      actor_normal_backward(Cpu{}, {}, rows, {1, stream, tick}, {x.data(), 3, 2}, six, rows, three),
      ShapeError);
  EXPECT_THROW(actor_normal_backward(Cpu{}, {}, rows, {}, {x.data(), 3, 2}, three, rows, three),
               ShapeError);
}

}  // namespace
}  // namespace loom
