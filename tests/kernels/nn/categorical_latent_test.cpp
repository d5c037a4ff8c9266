#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/nn/categorical_latent.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

using Numbers = std::vector<double>;

Numbers probabilities(Numbers const& logits, double unimix) {
  double const most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double l : logits) sum += std::exp(l - most);
  Numbers p;
  for (double l : logits)
    p.push_back((1 - unimix) * std::exp(l - most) / sum +
                unimix / static_cast<double>(logits.size()));
  return p;
}

double divergence(Numbers const& q_logits, Numbers const& p_logits, double unimix) {
  Numbers const q = probabilities(q_logits, unimix), p = probabilities(p_logits, unimix);
  double sum = 0;
  for (std::size_t k = 0; k < q.size(); ++k) sum += q[k] * std::log(q[k] / p[k]);
  return sum;
}

struct Problem {
  LatentShape shape;
  int rows, gap;
  std::size_t size() const { return static_cast<std::size_t>(rows * (width() + gap)); }
  int width() const { return shape.groups * shape.classes; }
  std::vector<float> posterior = normal_numbers(size(), 0, 2, 1),
                     prior = normal_numbers(size(), 0, 2, 2),
                     outer = normal_numbers(size(), 0, 1, 3),
                     representation = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 4),
                     dynamics = normal_numbers(static_cast<std::size_t>(rows), 0, 1, 5);

  std::size_t first(int row, int group) const {
    return static_cast<std::size_t>(row * (width() + gap) + group * shape.classes);
  }
  Numbers group(std::vector<float> const& x, int row, int g) const {
    auto const at = x.begin() + static_cast<std::ptrdiff_t>(first(row, g));
    return {at, at + shape.classes};
  }
};

struct Outcome {
  std::vector<float> kl, dposterior, dprior, dlogits, one_hot;
  std::vector<std::int32_t> index;
  bool operator==(Outcome const&) const = default;
};

Outcome solved(Exec const& exec, Problem const& x) {
  auto const q = uploaded(exec, x.posterior), p = uploaded(exec, x.prior),
             outer = uploaded(exec, x.outer), representation = uploaded(exec, x.representation),
             dynamics = uploaded(exec, x.dynamics);
  auto const stream = uploaded(exec, count_from(7, static_cast<std::size_t>(x.rows)));
  auto const tick = uploaded(exec, std::vector<std::uint32_t>{3});
  Buffer<float> kl(exec, static_cast<std::size_t>(x.rows));
  Buffer<std::int32_t> index(exec, static_cast<std::size_t>(x.rows * x.shape.groups));
  auto dq = zeros<float>(exec, x.size()), dp = zeros<float>(exec, x.size()),
       dl = zeros<float>(exec, x.size()), z = zeros<float>(exec, x.size());
  auto const in = [&](auto& b) {
    return InRows<float>(b.data(), x.rows, x.width(), x.width() + x.gap);
  };
  auto const out = [&](auto& b) {
    return OutRows<float>(b.data(), x.rows, x.width(), x.width() + x.gap);
  };
  visit(exec, [&](auto e) {
    latent_kl(e, x.shape, in(q), in(p), kl.out());
    latent_kl_backward(e, x.shape, in(q), in(p), {representation, dynamics}, out(dq), out(dp));
    latent_sample_backward(e, x.shape, in(q), in(outer), out(dl));
    latent_sample(e, x.shape, in(q), {11, stream, tick}, index.out(), out(z));
  });
  return {download(kl), download(dq), download(dp), download(dl), download(z), download(index)};
}

TEST(CategoricalLatent, DivergenceAndGradientsEqualDoubleAndItsDifferences) {
  for (Problem const& x : {Problem{{32, 4, 0.01F}, 9, 0}, Problem{{5, 7, 0.F}, 6, 3},
                           Problem{{17, 32, 0.3F}, 3, 1}, Problem{{130, 2, 0.01F}, 2, 0}}) {
    double const unimix = x.shape.unimix;
    for (Exec const& exec : every_machine()) {
      Outcome const got = solved(exec, x);
      for (int r = 0; r < x.rows; ++r) {
        auto const at = static_cast<std::size_t>(r);
        double kl = 0;
        for (int g = 0; g < x.shape.groups; ++g) {
          Numbers const q = x.group(x.posterior, r, g), p = x.group(x.prior, r, g),
                        outer = x.group(x.outer, r, g);
          kl += divergence(q, p, unimix);
          for (std::size_t k = 0; k < q.size(); ++k) {
            auto const slope = [&](Numbers moved, auto const& of) {
              return central_difference(
                  [&](double v) {
                    moved[k] = v;
                    return of(moved);
                  },
                  moved[k]);
            };
            double const dq = slope(q, [&](Numbers const&m) { return divergence(m, p, unimix); }),
                         dp = slope(p, [&](Numbers const&m) { return divergence(q, m, unimix); }),
                         dl = slope(q, [&](Numbers const&m) {
                           Numbers const s = probabilities(m, unimix);
                           double sum = 0;
                           for (std::size_t j = 0; j < s.size(); ++j) sum += s[j] * outer[j];
                           return sum;
                         });
            std::size_t const place = x.first(r, g) + k;
            EXPECT_NEAR(got.dposterior[place], x.representation[at] * dq, 1e-5)
                << r << ", " << g << ", " << k;
            EXPECT_NEAR(got.dprior[place], x.dynamics[at] * dp, 1e-5)
                << r << ", " << g << ", " << k;
            EXPECT_NEAR(got.dlogits[place], dl, 1e-5) << r << ", " << g << ", " << k;
          }
        }
        EXPECT_NEAR(got.kl[at], kl, 1e-5 * kl) << r;
      }
    }
  }
}

// papers: the most that unimix lets a latent's divergence be.
TEST(CategoricalLatent, UnimixCapsTheDivergence) {
  for (auto const& [classes, cap] : {std::pair{4, 5.924}, {16, 7.295}, {32, 7.981}, {64, 8.667}})
    for (Exec const& exec : every_machine()) {
      std::vector<float> q(static_cast<std::size_t>(classes), -1e4F), p = q;
      q[0] = p[1] = 1e4F;
      auto const posterior = uploaded(exec, q), prior = uploaded(exec, p);
      Buffer<float> kl(exec, 1);
      visit(exec, [&](auto e) {
        latent_kl(e, {1, classes, 0.01F}, {posterior.data(), 1, classes},
                  {prior.data(), 1, classes}, kl.out());
      });
      EXPECT_NEAR(download(kl)[0], cap, 1e-3) << classes;
    }
}

TEST(CategoricalLatent, WeightsOfZeroGiveGradientsOfExactlyZero) {
  Problem x{{8, 4, 0.01F}, 4, 0};
  x.representation = {0, 1, 0, 1};
  x.dynamics = {0, 0, 1, 1};
  Outcome const got = solved(Cpu{}, x);
  for (int r = 0; r < 4; ++r) {
    auto const sum = [&](std::vector<float> const& d) {
      double total = 0;
      for (int k = 0; k < x.width(); ++k)
        total += std::abs(d[x.first(r, 0) + static_cast<std::size_t>(k)]);
      return total;
    };
    EXPECT_EQ(sum(got.dposterior) > 0, x.representation[static_cast<std::size_t>(r)] > 0) << r;
    EXPECT_EQ(sum(got.dprior) > 0, x.dynamics[static_cast<std::size_t>(r)] > 0) << r;
  }
}

TEST(CategoricalLatent, DrawsWithTheMixedProbabilities) {
  constexpr int kDraws = 20000;
  LatentShape const shape{3, 6, 0.2F};
  auto const row = normal_numbers(18, 0, 1.5, 9);
  std::vector<float> logits;
  for (int i = 0; i < kDraws; ++i) logits.insert(logits.end(), row.begin(), row.end());
  auto const stream = count_from(0, kDraws);
  std::vector<std::uint32_t> const tick{5};
  std::vector<std::int32_t> index(3 * kDraws);
  std::vector<float> one_hot(logits.size());
  latent_sample(Cpu{}, shape, {logits.data(), kDraws, 18}, {1, stream, tick}, index,
                {one_hot.data(), kDraws, 18});
  Numbers together(36);
  Numbers p[3];
  for (std::size_t g = 0; g < 3; ++g) {
    Numbers counts(6), expected;
    for (std::size_t i = 0; i < kDraws; ++i) {
      auto const k = static_cast<std::size_t>(index[3 * i + g]);
      ++counts[k];
      for (std::size_t j = 0; j < 6; ++j)
        EXPECT_EQ(one_hot[i * 18 + g * 6 + j], j == k ? 1.F : 0.F);
    }
    p[g] = probabilities({row.begin() + static_cast<std::ptrdiff_t>(6 * g),
                          row.begin() + static_cast<std::ptrdiff_t>(6 * g + 6)},
                         0.2);
    for (double v : p[g]) expected.push_back(v * kDraws);
    EXPECT_LT(chi_square(counts, expected), 20.5) << g;  // 5 degrees of freedom, 0.1 %
  }
  // Groups are independent of each other.
  Numbers expected;
  for (std::size_t i = 0; i < kDraws; ++i)
    ++together[static_cast<std::size_t>(index[3 * i] * 6 + index[3 * i + 1])];
  for (double a : p[0])
    for (double b : p[1]) expected.push_back(a * b * kDraws);
  EXPECT_LT(chi_square(together, expected), 66.6);  // 35 degrees of freedom, 0.1 %
}

TEST(CategoricalLatent, EveryMachineAndNumberOfThreadsGivesTheSameBits) {
  ThreadPool pool(3);
  Problem const x{{32, 16, 0.01F}, 50, 2};
  Outcome const first = solved(Cpu{}, x);
  EXPECT_EQ(solved(Cpu{&pool}, x), first);
  for (Exec const& exec : every_machine()) EXPECT_EQ(solved(exec, x), first) << describe(exec);
}

TEST(CategoricalLatent, SaysWhatDoesNotFit) {
  std::vector<float> x(24), two(2);
  InRows<float> const rows(x.data(), 2, 12);
  EXPECT_THROW(latent_kl(Cpu{}, {3, 5, 0.F}, rows, rows, two), ShapeError);
  EXPECT_THROW(latent_kl(Cpu{}, {3, 4, 1.F}, rows, rows, two), ShapeError);
  EXPECT_THROW(latent_kl(Cpu{}, {3, 4, 0.F}, rows, {x.data(), 1, 12}, two), ShapeError);
  EXPECT_THROW(latent_kl(Cpu{}, {3, 4, 0.F}, rows, rows, x), ShapeError);
}

}  // namespace
}  // namespace loom
