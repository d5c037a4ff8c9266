#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/likelihood.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr Likelihood kAll[] = {Likelihood::squared, Likelihood::normal, Likelihood::symlog_squared,
                               Likelihood::sigmoid_squared, Likelihood::bernoulli};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

double reference(Likelihood kind, double x, double t) {
  switch (kind) {
    case Likelihood::squared:
      return (x - t) * (x - t);
    case Likelihood::normal:
      return (x - t) * (x - t) / 2;
    case Likelihood::symlog_squared: {
      double const s = t < 0 ? -std::log(1 - t) : std::log(1 + t);
      return (x - s) * (x - s);
    }
    case Likelihood::sigmoid_squared:
      return (logistic(x) - t) * (logistic(x) - t);
    default:
      // -log of t's probability under sigmoid(x).
      return -t * std::log(logistic(x)) - (1 - t) * std::log(1 - logistic(x));
  }
}

struct Outcome {
  std::vector<float> loss, dx;
  bool operator==(Outcome const&) const = default;
};

struct Problem {
  int rows, n, gap;
  std::size_t size() const { return static_cast<std::size_t>(rows * (n + gap)); }
  std::vector<float> x = normal_numbers(size(), 0, 2, 1), t = targets(),
                     dloss = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 3);
  std::vector<float> targets() const {
    auto all = normal_numbers(size(), 0.5, 0.2, 2);
    for (float& v : all) v = std::clamp(v, 0.F, 1.F);
    return all;
  }
};

Outcome solved(Exec const& exec, Likelihood kind, Problem const& p) {
  auto const x = uploaded(exec, p.x), t = uploaded(exec, p.t), dloss = uploaded(exec, p.dloss);
  auto dx = zeros<float>(exec, p.size());
  Buffer<float> loss(exec, static_cast<std::size_t>(p.rows));
  auto const in = [&](auto& b) { return InRows<float>(b.data(), p.rows, p.n, p.n + p.gap); };
  visit(exec, [&](auto e) {
    likelihood_loss(e, kind, in(x), in(t), loss.out());
    likelihood_backward(e, kind, in(x), in(t), dloss, {dx.data(), p.rows, p.n, p.n + p.gap});
  });
  return {download(loss), download(dx)};
}

TEST(Likelihood, LossAndGradientEqualDoubleAndItsDifferences) {
  for (Problem const& p : {Problem{7, 33, 0}, Problem{3, 1000, 5}, Problem{5, 1, 0}})
    for (Likelihood const kind : kAll)
      for (Exec const& exec : every_machine()) {
        Outcome const got = solved(exec, kind, p);
        for (int r = 0; r < p.rows; ++r) {
          auto const row = static_cast<std::size_t>(r);
          double loss = 0;
          for (int i = 0; i < p.n; ++i) {
            auto const at = static_cast<std::size_t>(r * (p.n + p.gap) + i);
            double const t = p.t[at];
            loss += reference(kind, p.x[at], t);
            double const slope =
                central_difference([&](double v) { return reference(kind, v, t); }, p.x[at]);
            EXPECT_NEAR(got.dx[at], p.dloss[row] * slope, 3e-6 * std::max(1., std::abs(slope)))
                << static_cast<int>(kind) << ", " << r << ", " << i;
          }
          EXPECT_NEAR(got.loss[row], loss, 3e-6 * loss + 1e-7)
              << static_cast<int>(kind) << ", " << r;
        }
      }
}

TEST(Likelihood, OneTargetServesSeveralPredictions) {
  Problem const p{12, 33, 0}, targets{4, 33, 0};
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, p.x), t = uploaded(exec, targets.t);
    std::vector<float> repeated;
    for (int r = 0; r < p.rows; ++r)
      repeated.insert(repeated.end(), targets.t.begin() + r / 3 * p.n,
                      targets.t.begin() + (r / 3 + 1) * p.n);
    auto const each = uploaded(exec, repeated);
    Buffer<float> shared(exec, 12), own(exec, 12);
    visit(exec, [&](auto e) {
      InRows<float> const prediction(x.data(), p.rows, p.n);
      likelihood_loss(e, Likelihood::bernoulli, prediction, {t.data(), 4, p.n}, shared.out());
      likelihood_loss(e, Likelihood::bernoulli, prediction, {each.data(), p.rows, p.n}, own.out());
    });
    EXPECT_EQ(download(shared), download(own)) << describe(exec);
  }
}

TEST(Likelihood, LogitsFarFromZeroStayFinite) {
  std::vector<float> const x{80, -80, 80, -80}, t{0, 0, 1, 1}, dloss(4, 1.F);
  for (Exec const& exec : every_machine()) {
    auto const a = uploaded(exec, x), b = uploaded(exec, t), d = uploaded(exec, dloss);
    Buffer<float> loss(exec, 4), dx(exec, 4);
    visit(exec, [&](auto e) {
      likelihood_loss(e, Likelihood::bernoulli, {a.data(), 4, 1}, {b.data(), 4, 1}, loss.out());
      likelihood_backward(e, Likelihood::bernoulli, {a.data(), 4, 1}, {b.data(), 4, 1}, d,
                          {dx.data(), 4, 1});
    });
    auto const got = download(loss), slope = download(dx);
    for (std::size_t i : {0U, 3U}) EXPECT_NEAR(got[i], 80, 1e-4);
    for (std::size_t i : {1U, 2U}) EXPECT_NEAR(got[i], 0, 1e-6);
    EXPECT_NEAR(slope[0], 1, 1e-6);
    EXPECT_NEAR(slope[3], -1, 1e-6);
  }
}

TEST(Likelihood, SymexpUndoesSymlog) {
  std::vector<float> const x{0.F, 1e-6F, -1e-3F, 0.5F, -1.F, 30.F, -1e4F, 1e9F};
  for (Exec const& exec : every_machine()) {
    auto const in = uploaded(exec, x);
    Buffer<float> logs(exec, x.size()), back(exec, x.size());
    visit(exec, [&](auto e) {
      symlog(e, in.in(), logs.out());
      symexp(e, logs.in(), back.out());
    });
    auto const y = download(logs), again = download(back);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(y[i], std::copysign(std::log1p(std::abs(double(x[i]))), x[i]),
                  1e-6 * std::abs(double(y[i])))
          << x[i];
      // A rounding of the logarithm is multiplied by 1 + |x| and by the logarithm itself.
      EXPECT_NEAR(again[i], x[i], 3e-6 * std::abs(double(x[i]))) << x[i];
    }
  }
}

TEST(Likelihood, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  Problem const p{40, 700, 1};
  for (Likelihood const kind : kAll) {
    Outcome const first = solved(Cpu{}, kind, p);
    EXPECT_EQ(solved(Cpu{&pool}, kind, p), first);
    for (Exec const& exec : every_machine())
      EXPECT_EQ(solved(exec, kind, p), first) << describe(exec);
  }
}

TEST(Likelihood, BytesAreNumbersDividedBy255AndMoved) {
  int const rows = 3, n = 53;
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < rows * n; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 37));
  auto const x = normal_numbers(bytes.size(), 0, 1, 4),
             dloss = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 5);
  for (float const offset : {0.F, -0.5F})
    for (Likelihood const kind : {Likelihood::normal, Likelihood::sigmoid_squared})
      for (Exec const& exec : every_machine()) {
        auto const a = uploaded(exec, x), d = uploaded(exec, dloss);
        auto const b = uploaded(exec, bytes);
        Buffer<float> loss(exec, rows), dx(exec, x.size());
        InRows<std::uint8_t> const target(b.data(), rows, n);
        visit(exec, [&](auto e) {
          likelihood_loss(e, kind, {a.data(), rows, n}, target, offset, loss.out());
          likelihood_backward(e, kind, {a.data(), rows, n}, target, offset, d,
                              {dx.data(), rows, n});
        });
        auto const got = download(loss), slope = download(dx);
        for (int r = 0; r < rows; ++r) {
          double sum = 0;
          for (int i = 0; i < n; ++i) {
            auto const at = static_cast<std::size_t>(r * n + i);
            double const t = bytes[at] / 255. + double{offset};
            sum += reference(kind, x[at], t);
            double const want =
                central_difference([&](double v) { return reference(kind, v, t); }, x[at]);
            EXPECT_NEAR(slope[at], dloss[static_cast<std::size_t>(r)] * want,
                        3e-6 * std::max(1., std::abs(want)));
          }
          EXPECT_NEAR(got[static_cast<std::size_t>(r)], sum, 3e-6 * sum);
        }
      }
}

TEST(Likelihood, SaysWhatDoesNotFit) {
  std::vector<float> x(12), two(2);
  InRows<float> const rows(x.data(), 2, 6);
  EXPECT_THROW(likelihood_loss(Cpu{}, Likelihood::squared, rows, {x.data(), 2, 5}, two),
               ShapeError);
  EXPECT_THROW(likelihood_loss(Cpu{}, Likelihood::squared, rows, rows, x), ShapeError);
  EXPECT_THROW(symlog(Cpu{}, x, two), ShapeError);
}

}  // namespace
}  // namespace loom
