#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/nn/gaussian_latent.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// KL(N(m1, e^l1) || N(m2, e^l2)).
double divergence(double m1, double l1, double m2, double l2) {
  double const s1 = std::exp(l1), s2 = std::exp(l2);
  return 0.5 * ((s1 * s1 + (m1 - m2) * (m1 - m2)) / (s2 * s2) - 1 + std::log(s2 * s2 / (s1 * s1)));
}

struct Problem {
  int rows, dims, gap;
  bool standard;  // the prior
  std::size_t size() const { return static_cast<std::size_t>(rows * (dims + gap)); }
  std::vector<float> m1 = normal_numbers(size(), 0, 1, 1),
                     l1 = normal_numbers(size(), -0.5, 0.5, 2),
                     m2 = standard ? std::vector<float>(size()) : normal_numbers(size(), 0, 1, 3),
                     l2 = standard ? std::vector<float>(size())
                                   : normal_numbers(size(), -0.3, 0.5, 4),
                     dz = normal_numbers(size(), 0, 1, 5),
                     representation = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 6),
                     dynamics = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 7);
};

struct Outcome {
  std::vector<float> kl, dm1, dl1, dm2, dl2, z, dlog_std;
  bool operator==(Outcome const&) const = default;
};

constexpr std::uint64_t kSeed = 21;
constexpr std::uint32_t kFirst = 5, kTick = 9;

Outcome solved(Exec const& exec, Problem const& x) {
  auto const m1 = uploaded(exec, x.m1), l1 = uploaded(exec, x.l1), m2 = uploaded(exec, x.m2),
             l2 = uploaded(exec, x.l2), dz = uploaded(exec, x.dz),
             representation = uploaded(exec, x.representation),
             dynamics = uploaded(exec, x.dynamics);
  auto const stream = uploaded(exec, count_from(kFirst, static_cast<std::size_t>(x.rows)));
  auto const tick = uploaded(exec, std::vector<std::uint32_t>{kTick});
  Buffer<float> kl(exec, static_cast<std::size_t>(x.rows));
  auto dm1 = zeros<float>(exec, x.size()), dl1 = zeros<float>(exec, x.size()),
       dm2 = zeros<float>(exec, x.size()), dl2 = zeros<float>(exec, x.size()),
       z = zeros<float>(exec, x.size()), dlog_std = zeros<float>(exec, x.size());
  auto const in = [&](auto& b) { return InRows<float>(b.data(), x.rows, x.dims, x.dims + x.gap); };
  auto const out = [&](auto& b) {
    return OutRows<float>(b.data(), x.rows, x.dims, x.dims + x.gap);
  };
  GaussianRows const q{in(m1), in(l1)},
      p = x.standard ? GaussianRows{} : GaussianRows{in(m2), in(l2)};
  GaussianGradients const dp =
      x.standard ? GaussianGradients{} : GaussianGradients{out(dm2), out(dl2)};
  visit(exec, [&](auto e) {
    gaussian_latent_kl(e, q, p, kl.out());
    gaussian_latent_kl_backward(e, q, p, {representation, dynamics}, {out(dm1), out(dl1)}, dp);
    gaussian_latent_sample(e, q, {kSeed, stream, tick}, out(z));
    gaussian_latent_sample_backward(e, in(l1), {kSeed, stream, tick}, in(dz), out(dlog_std));
  });
  return {download(kl),  download(dm1), download(dl1),     download(dm2),
          download(dl2), download(z),   download(dlog_std)};
}

TEST(GaussianLatent, DivergenceGivesThePublishedNumbers) {
  struct Case {
    float mean, std;
    double kl;
  };
  for (Case const& c : {Case{1, 1, 0.5}, Case{0, 2, 0.806853}, Case{-2, 0.5F, 2.318147}})
    for (Exec const& exec : every_machine()) {
      auto const m = uploaded(exec, std::vector<float>{c.mean}),
                 l = uploaded(exec, std::vector<float>{std::log(c.std)});
      Buffer<float> kl(exec, 1), same(exec, 1);
      visit(exec, [&](auto e) {
        GaussianRows const q{{m.data(), 1, 1}, {l.data(), 1, 1}};
        gaussian_latent_kl(e, q, {}, kl.out());
        gaussian_latent_kl(e, q, q, same.out());
      });
      EXPECT_NEAR(download(kl)[0], c.kl, 1e-6);
      EXPECT_EQ(download(same)[0], 0);
    }
}

TEST(GaussianLatent, DivergenceAndGradientsEqualDoubleAndItsDifferences) {
  for (Problem const& x :
       {Problem{11, 30, 0, false}, Problem{7, 5, 3, true}, Problem{3, 200, 1, false}})
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, x);
      for (int r = 0; r < x.rows; ++r) {
        auto const row = static_cast<std::size_t>(r);
        double kl = 0;
        for (int d = 0; d < x.dims; ++d) {
          auto const at = static_cast<std::size_t>(r * (x.dims + x.gap) + d);
          double const m1 = x.m1[at], l1 = x.l1[at], m2 = x.m2[at], l2 = x.l2[at];
          kl += divergence(m1, l1, m2, l2);
          double const q = x.representation[row], p = x.dynamics[row];
          auto const near = [&](float found, double want, char const* what) {
            EXPECT_NEAR(found, want, 1e-5 * std::max(1., std::abs(want)))
                << what << " " << r << ", " << d;
          };
          near(got.dm1[at],
               q * central_difference([&](double v) { return divergence(v, l1, m2, l2); }, m1),
               "dm1");
          near(got.dl1[at],
               q * central_difference([&](double v) { return divergence(m1, v, m2, l2); }, l1),
               "dl1");
          if (x.standard) continue;
          near(got.dm2[at],
               p * central_difference([&](double v) { return divergence(m1, l1, v, l2); }, m2),
               "dm2");
          near(got.dl2[at],
               p * central_difference([&](double v) { return divergence(m1, l1, m2, v); }, l2),
               "dl2");
        }
        EXPECT_NEAR(got.kl[row], kl, 2e-6 * std::max(1., kl)) << r;
      }
    }
}

TEST(GaussianLatent, DivergenceIsTheMeanOfLogRatiosOfItsDraws) {
  constexpr int kDraws = 1000000;
  float const m1 = 0.4F, l1 = -0.3F;
  std::vector<float> const mean(kDraws, m1), log_std(kDraws, l1);
  auto const stream = count_from(0, kDraws);
  std::vector<std::uint32_t> const tick{1};
  std::vector<float> z(kDraws);
  gaussian_latent_sample(Cpu{}, {{mean.data(), kDraws, 1}, {log_std.data(), kDraws, 1}},
                         {3, stream, tick}, {z.data(), kDraws, 1});
  auto const log_density = [](double x, double m, double l) {
    double const u = (x - m) * std::exp(-l);
    return -0.5 * u * u - l;
  };
  // From another Gaussian, and from the standard one.
  for (auto const& [m2, l2] : {std::pair{-0.2, 0.1}, {0., 0.}}) {
    double sum = 0, squares = 0;
    for (float x : z) {
      double const ratio = log_density(x, double(m1), double(l1)) - log_density(x, m2, l2);
      sum += ratio;
      squares += ratio * ratio;
    }
    double const average = sum / kDraws,
                 error = std::sqrt((squares / kDraws - average * average) / kDraws);
    EXPECT_NEAR(average, divergence(double(m1), double(l1), m2, l2), 3 * error);
  }
}

TEST(GaussianLatent, DrawsTheRowsOwnNumbersAndDrawsThemAgain) {
  Problem const x{19, 33, 2, true};
  for (Exec const& exec : every_machine()) {
    Outcome const got = solved(exec, x);
    for (int r = 0; r < x.rows; ++r) {
      Random<float> random(kSeed, kFirst + static_cast<std::uint32_t>(r), kTick, Purpose::latent);
      for (int d = 0; d < x.dims; ++d) {
        auto const at = static_cast<std::size_t>(r * (x.dims + x.gap) + d);
        double const noise = random.normal(), std = std::exp(double(x.l1[at]));
        EXPECT_NEAR(got.z[at], x.m1[at] + std * noise, 2e-6 * std::max(1., std * std::abs(noise)));
        EXPECT_NEAR(got.dlog_std[at], x.dz[at] * std * noise,
                    2e-6 * std::max(1., std::abs(std * noise * double(x.dz[at]))));
      }
    }
  }
}

TEST(GaussianLatent, DrawsSeveralTimesOfEveryRow) {
  Problem const x{5, 33, 0, true};
  int const each = 3, all = x.rows * each;
  auto const repeat = [&](std::vector<float> const& of) {
    std::vector<float> repeated;
    for (int r = 0; r < all; ++r)
      repeated.insert(repeated.end(), of.begin() + r / each * x.dims,
                      of.begin() + (r / each + 1) * x.dims);
    return repeated;
  };
  for (Exec const& exec : every_machine()) {
    auto const m = uploaded(exec, x.m1), l = uploaded(exec, x.l1),
               ms = uploaded(exec, repeat(x.m1)), ls = uploaded(exec, repeat(x.l1));
    auto const stream = uploaded(exec, count_from(0, static_cast<std::size_t>(all)));
    auto const tick = uploaded(exec, std::vector<std::uint32_t>{1});
    Buffer<float> shared(exec, ms.size()), own(exec, ms.size()),
        ratio(exec, static_cast<std::size_t>(all));
    OutRows<float> const z(shared.data(), all, x.dims);
    GaussianRows const q{{m.data(), x.rows, x.dims}, {l.data(), x.rows, x.dims}};
    visit(exec, [&](auto e) {
      gaussian_latent_sample(e, q, {kSeed, stream, tick}, z);
      gaussian_latent_sample(e, {{ms.data(), all, x.dims}, {ls.data(), all, x.dims}},
                             {kSeed, stream, tick}, {own.data(), all, x.dims});
      gaussian_latent_log_ratio(e, q, z, ratio.out());
    });
    auto const got = download(shared), log_ratio = download(ratio);
    EXPECT_EQ(got, download(own)) << describe(exec);
    for (int r = 0; r < all; ++r) {
      double want = 0;
      for (int d = 0; d < x.dims; ++d) {
        auto const at = static_cast<std::size_t>(r / each * x.dims + d);
        double const v = got[static_cast<std::size_t>(r * x.dims + d)],
                     u = (v - x.m1[at]) / std::exp(double{x.l1[at]});
        want += -v * v / 2 + u * u / 2 + x.l1[at];
      }
      EXPECT_NEAR(log_ratio[static_cast<std::size_t>(r)], want, 2e-5);
    }
  }
}

TEST(GaussianLatent, PriorsNumbersHaveTheMomentsOfTheirDistribution) {
  constexpr int kRows = 100000, kDims = 100;  // 1e7 draws
  auto const stream = count_from(0, kRows);
  std::vector<std::uint32_t> const tick{1};
  std::vector<float> z(kRows * kDims), same(z.size());
  OutRows<float> const rows(z.data(), kRows, kDims);
  gaussian_latent_prior_sample(Cpu{}, 0, {3, stream, tick}, rows);
  double sums[4] = {};
  for (double const x : z)
    for (double power = x, *sum = sums; sum != sums + 4; ++sum, power *= x) *sum += power;
  for (double& sum : sums) sum /= double(z.size());
  double const variance = sums[1] - sums[0] * sums[0];
  EXPECT_LT(std::abs(sums[0]), 1e-3);
  EXPECT_LT(std::abs(variance - 1), 2e-3);
  EXPECT_LT(std::abs(sums[3] / (variance * variance) - 3), 5e-3);
  // Whatever rows are drawn together, and in whatever order.
  ThreadPool pool(3);
  gaussian_latent_prior_sample(Cpu{&pool}, 0, {3, stream, tick}, {same.data(), kRows, kDims});
  EXPECT_EQ(z, same);
  std::vector<std::uint32_t> const some{77, 5};
  gaussian_latent_prior_sample(Cpu{nullptr, 1}, 0, {3, some, tick}, {same.data(), 2, kDims});
  EXPECT_TRUE(std::equal(same.begin(), same.begin() + kDims, z.begin() + 77 * kDims));

  gaussian_latent_prior_sample(Cpu{}, 0.5F, {3, stream, tick}, {same.data(), kRows, kDims});
  double squares = 0;
  std::size_t low = 0, high = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    EXPECT_EQ(same[i], std::min(std::max(z[i], -0.5F), 0.5F));
    squares += double{same[i]} * double{same[i]};
    low += same[i] == -0.5F;
    high += same[i] == 0.5F;
  }
  EXPECT_NEAR(std::sqrt(squares / double(z.size())), 0.4303, 5e-4);
  EXPECT_NEAR(double(low) / double(z.size()), 0.3085, 5e-4);
  EXPECT_NEAR(double(high) / double(z.size()), 0.3085, 5e-4);
}

TEST(GaussianLatent, PriorsNumbersAreThoseOfEveryMachine) {
  int const rows = 50, dims = 7;
  std::vector<float> first;
  for (Exec const& exec : every_machine()) {
    auto const stream = uploaded(exec, count_from(4, rows));
    auto const tick = uploaded(exec, std::vector<std::uint32_t>{1});
    Buffer<float> z(exec, rows * dims);
    visit(exec, [&](auto e) {
      gaussian_latent_prior_sample(e, 0.5F, {3, stream, tick}, {z.data(), rows, dims});
    });
    auto const got = download(z);
    for (int r = 0; r < rows; ++r) {
      Random<float> random(3, 4 + static_cast<std::uint32_t>(r), 1, Purpose::latent);
      for (int d = 0; d < dims; ++d)
        EXPECT_NEAR(got[static_cast<std::size_t>(r * dims + d)],
                    std::min(std::max(random.normal(), -0.5F), 0.5F), 1e-6);
    }
    if (first.empty()) first = got;
    EXPECT_EQ(got, first) << describe(exec);
  }
}

TEST(GaussianLatent, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  Problem const x{300, 30, 1, false};
  Outcome const first = solved(Cpu{}, x);
  EXPECT_EQ(solved(Cpu{&pool}, x), first);
  for (Exec const& exec : every_machine()) EXPECT_EQ(solved(exec, x), first) << describe(exec);
}

TEST(GaussianLatent, SaysWhatDoesNotFit) {
  std::vector<float> x(24), two(2);
  OutRows<float> const rows(x.data(), 2, 12), one(x.data(), 1, 12);
  std::vector<std::uint32_t> const stream(2), tick(1);
  EXPECT_THROW(gaussian_latent_prior_sample(Cpu{}, -1, {1, stream, tick}, rows), ConfigError);
  EXPECT_THROW(gaussian_latent_prior_sample(Cpu{}, 0, {1, tick, tick}, rows), ShapeError);
  EXPECT_THROW(gaussian_latent_log_ratio(Cpu{}, {rows, rows}, one, two), ShapeError);
  EXPECT_THROW(gaussian_latent_kl(Cpu{}, {rows, one}, {}, two), ShapeError);
  EXPECT_THROW(gaussian_latent_kl(Cpu{}, {rows, rows}, {one, rows}, two), ShapeError);
  EXPECT_THROW(gaussian_latent_kl(Cpu{}, {rows, rows}, {}, x), ShapeError);
  EXPECT_THROW(gaussian_latent_kl_backward(Cpu{}, {rows, rows}, {}, {x, x}, {rows, rows}, {}),
               ShapeError);
}

}  // namespace
}  // namespace loom
