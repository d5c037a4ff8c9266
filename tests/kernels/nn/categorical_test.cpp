#include <kernels/nn/categorical.hpp>
#include <kernels/nn/categorical_body.hpp>
#include <limits>

#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

// A softmax table in double: the slow and obvious way.
struct Table {
  std::vector<double> log_p;
  explicit Table(std::vector<double> const& logits) {
    double const max = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (double l : logits) sum += std::exp(l - max);
    for (double l : logits) log_p.push_back(l - max - std::log(sum));
  }
  double entropy() const {
    double h = 0;
    for (double l : log_p)
      if (std::isfinite(l)) h -= std::exp(l) * l;
    return h;
  }
};

constexpr int kRows = 203, kClasses = 7;  // neither a multiple of a pack nor of a warp

std::vector<float> logits() { return normal_numbers(kRows * kClasses, 0, 3, 1); }
std::vector<std::int32_t> actions() {
  std::vector<std::int32_t> a(kRows);
  for (int r = 0; r < kRows; ++r) a[static_cast<std::size_t>(r)] = r * 5 % kClasses;
  return a;
}
Table table(std::vector<float> const& l, int row) {
  return Table({l.begin() + row * kClasses, l.begin() + (row + 1) * kClasses});
}

TEST(Categorical, LogProbAndEntropyAreThoseOfTheSoftmaxTable) {
  auto const l = logits();
  auto const a = actions();
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, l);
    auto const chosen = uploaded(exec, a);
    Buffer<float> log_prob(exec, kRows), entropy(exec, kRows);
    visit(exec, [&](auto e) {
      categorical_log_prob(e, {x.data(), kRows, kClasses}, chosen, log_prob.out());
      categorical_entropy(e, {x.data(), kRows, kClasses}, entropy.out());
    });
    auto const got = download(log_prob);
    auto const h = download(entropy);
    for (int r = 0; r < kRows; ++r) {
      auto const i = static_cast<std::size_t>(r);
      Table const want = table(l, r);
      // A logit near 10 is rounded to 5e-7; the sum and its logarithm add as much.
      EXPECT_NEAR(got[i], want.log_p[static_cast<std::size_t>(a[i])], 3e-6) << "row " << r;
      EXPECT_NEAR(h[i], want.entropy(), 2e-6) << "row " << r;
    }
  }
}

TEST(Categorical, StaysFiniteForHugeAndMaskedLogits) {
  float const infinity = std::numeric_limits<float>::infinity();
  std::vector<float> const l{1e30F,     -1e30F, 0,      -infinity, 2.F,    2.F,    -1e9F, 5.F,
                             -infinity, 1000.F, 1000.F, 999.F,     -300.F, -301.F, -302.F};
  std::vector<std::int32_t> const a{0, 1, 1, 2, 1};
  std::vector<double> const want{0, std::log(0.5), 0, 999 - 1000 - std::log(2 + std::exp(-1.)),
                                 -1 - std::log(1 + std::exp(-1.) + std::exp(-2.))};
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, l);
    auto const chosen = uploaded(exec, a);
    Buffer<float> log_prob(exec, 5), entropy(exec, 5);
    visit(exec, [&](auto e) {
      categorical_log_prob(e, {x.data(), 5, 3}, chosen, log_prob.out());
      categorical_entropy(e, {x.data(), 5, 3}, entropy.out());
    });
    auto const got = download(log_prob);
    auto const h = download(entropy);
    for (std::size_t r = 0; r < 5; ++r) {
      EXPECT_NEAR(got[r], want[r], 1e-6) << "row " << r;
      EXPECT_TRUE(std::isfinite(h[r])) << "row " << r;
    }
    EXPECT_NEAR(h[0], 0, 1e-6);
    EXPECT_NEAR(h[1], std::log(2.), 1e-6);
    EXPECT_NEAR(h[2], 0, 1e-6);
  }
}

// One class, many rows: the class an uniform number selects, against the double table.
TEST(Categorical, DrawsAreTheInverseCdfOfOneUniform) {
  auto const l = normal_numbers(kClasses, 0, 1.5, 2);
  Table const want({l.begin(), l.end()});
  auto const logit = [&](int k) { return l[static_cast<std::size_t>(k)]; };
  for (int step = 0; step < 1 << 12; ++step) {
    float const u = static_cast<float>(step) / (1 << 12);
    int const k = categorical_sample<float>(kClasses, logit, u);
    double below = 0;
    for (int j = 0; j < k; ++j) below += std::exp(want.log_p[static_cast<std::size_t>(j)]);
    double const above = below + std::exp(want.log_p[static_cast<std::size_t>(k)]);
    EXPECT_GE(u, below - 1e-6) << "u = " << u;
    EXPECT_LE(u, above + 1e-6) << "u = " << u;
  }
}

TEST(Categorical, NeverDrawsAMaskedClass) {
  float const infinity = std::numeric_limits<float>::infinity();
  for (float const masked : {-infinity, -1e9F, -200.F}) {
    std::vector<float> const l{masked, 0.3F, masked, -0.2F, masked};
    auto const logit = [&](int k) { return l[static_cast<std::size_t>(k)]; };
    for (float const u : {0.F, 0x1p-24F, 0.25F, 0.5F, 0.75F, 1.F - 0x1p-24F}) {
      int const k = categorical_sample<float>(5, logit, u);
      EXPECT_TRUE(k == 1 || k == 3) << "u = " << u << " drew " << k;
    }
  }
}

TEST(Categorical, FrequenciesFollowTheProbabilities) {
  constexpr int kDraws = 1 << 16;
  std::vector<double> const p{0.5, 0.25, 0.15, 0.09, 0.01};
  std::vector<float> l;
  for (int r = 0; r < kDraws; ++r)
    for (double v : p) l.push_back(static_cast<float>(std::log(v) + 1));
  std::vector<std::uint32_t> const stream = count_from(0, kDraws), tick{3};
  std::vector<std::int32_t> action(kDraws);
  categorical_sample(Cpu{}, {l.data(), kDraws, 5}, {42, stream, tick}, action);
  std::vector<double> counts(5), expected;
  for (int a : action) ++counts[static_cast<std::size_t>(a)];
  for (double v : p) expected.push_back(v * kDraws);
  EXPECT_LT(chi_square(counts, expected), 23.5);  // 4 degrees of freedom, 1 in 10^4
}

TEST(Categorical, DrawsDependOnSeedStreamAndTickAndNotOnTheRow) {
  std::vector<float> const l(4 * 64, 0.F);
  std::vector<std::uint32_t> const tick{9}, streams{5, 6, 7, 8}, reversed{8, 7, 6, 5};
  auto const draw = [&](std::uint64_t seed, std::vector<std::uint32_t> const& s, std::uint32_t t) {
    std::vector<std::uint32_t> const ticks{t};
    std::vector<std::int32_t> action(4);
    categorical_sample(Cpu{}, {l.data(), 4, 64}, {seed, s, ticks}, action);
    return action;
  };
  auto const first = draw(1, streams, 9);
  auto back = draw(1, reversed, 9);
  std::reverse(back.begin(), back.end());
  EXPECT_EQ(first, back);
  EXPECT_NE(first, draw(2, streams, 9));
  EXPECT_NE(first, draw(1, streams, 10));
}

TEST(Categorical, EveryMachineDrawsTheSameBits) {
  auto const l = logits();
  auto const s = count_from(7, kRows);
  std::vector<std::uint32_t> const t = count_from(100, kRows);
  std::vector<std::int32_t> action;
  std::vector<float> log_prob;
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, l);
    auto const stream = uploaded(exec, s), tick = uploaded(exec, t);
    Buffer<std::int32_t> a(exec, kRows);
    Buffer<float> p(exec, kRows);
    visit(exec, [&](auto e) {
      categorical_sample(e, {x.data(), kRows, kClasses}, {11, stream, tick}, a.out(), p.out());
    });
    if (action.empty()) {
      action = download(a);
      log_prob = download(p);
      for (int r = 0; r < kRows; ++r) {
        auto const i = static_cast<std::size_t>(r);
        EXPECT_NEAR(log_prob[i], table(l, r).log_p[static_cast<std::size_t>(action[i])], 3e-6);
      }
    }
    EXPECT_EQ(download(a), action) << describe(exec);
    EXPECT_EQ(download(p), log_prob) << describe(exec);
  }
}

TEST(Categorical, GreedyTakesTheLowestIndexOfEqualLogits) {
  std::vector<float> const l{1, 3, 3, 0, 0, 0, 0, 0, -2, -1, -3, -1};
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, l);
    Buffer<std::int32_t> a(exec, 3);
    visit(exec, [&](auto e) { categorical_greedy(e, {x.data(), 3, 4}, a.out()); });
    EXPECT_EQ(download(a), (std::vector<std::int32_t>{1, 0, 1}));
  }
}

TEST(Categorical, AgreesWithTorch) {
  Fixture const f("torch/categorical");
  auto const l = f.floats("logits");
  auto const a = f.ints("action");
  auto const want = f.vector("log_prob"), want_entropy = f.vector("entropy");
  int const classes = static_cast<int>(f.shape("logits")[1]);
  for (std::size_t r = 0; r < a.size(); ++r) {
    auto const logit = [&](int k) {
      return double(l[r * static_cast<std::size_t>(classes) + static_cast<std::size_t>(k)]);
    };
    EXPECT_NEAR(categorical_log_prob<double>(classes, logit, a[r]), want[r], 1e-12);
    EXPECT_NEAR(categorical_entropy<double>(classes, logit), want_entropy[r], 1e-12);
  }
}

TEST(Categorical, SaysWhatDoesNotFit) {
  std::vector<float> const l(6);
  std::vector<float> h(2);
  EXPECT_THROW(categorical_entropy(Cpu{}, {l.data(), 3, 2}, h), ShapeError);
  EXPECT_THROW(categorical_entropy(Cpu{}, {l.data(), 2, 0}, h), ShapeError);
}

}  // namespace
}  // namespace loom
