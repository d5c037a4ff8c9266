// Linear autoencoders, whose optimum has a closed form: Lucas et al. 2019, "Don't blame the ELBO!", and
// Tipping, Bishop 1999, "Probabilistic principal component analysis".
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <learn/vae/vae.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kRows = 100000, kData = 5, kBatch = 2000;

Eigen::MatrixXd rotation(int n, unsigned seed) {
  auto const numbers = normal_numbers(elements(n, n), 0, 1, seed);
  Eigen::MatrixXd a(n, n);
  for (int i = 0; i < n * n; ++i) a(i / n, i % n) = numbers[static_cast<std::size_t>(i)];
  return Eigen::HouseholderQR<Eigen::MatrixXd>(a).householderQ();
}

/// Rows whose sample mean is 0 and whose sample covariance is exactly that of these eigenvalues: what the
/// closed form says of it is exact as well.
struct Data {
  Eigen::VectorXd eigenvalues;
  Eigen::MatrixXd axes, rows;  // an eigenvector a column

  explicit Data(std::vector<double> const& values)
      : eigenvalues(Eigen::Map<Eigen::VectorXd const>(values.data(),
                                                      static_cast<Eigen::Index>(values.size()))),
        axes(rotation(static_cast<int>(values.size()), 7)) {
    auto const n = eigenvalues.size();
    auto const numbers = normal_numbers(elements(kRows, static_cast<int>(n)), 0, 1, 11);
    rows.resize(kRows, n);
    for (Eigen::Index i = 0; i < rows.size(); ++i)
      rows(i / n, i % n) = numbers[static_cast<std::size_t>(i)];
    rows.rowwise() -= rows.colwise().mean().eval();
    Eigen::MatrixXd const covariance = rows.transpose() * rows / kRows;
    // With white = rows L^-T the covariance is the identity.
    Eigen::MatrixXd const white = covariance.llt().matrixL().solve(rows.transpose()).transpose();
    rows = white * eigenvalues.cwiseSqrt().asDiagonal() * axes.transpose();
  }
  std::vector<float> floats() const {
    std::vector<float> all;
    for (Eigen::Index i = 0; i < rows.size(); ++i)
      all.push_back(static_cast<float>(rows(i / rows.cols(), i % rows.cols())));
    return all;
  }
};

Data const& section_5() {
  static Data const data({4, 2, 0.5, 0.5, 0.5});
  return data;
}

VaeConfig linear(int latent, float beta, float variance) {
  VaeConfig c;
  c.latent = latent;
  c.encoder = c.decoder = {};
  c.output = "linear";
  c.variance = variance;
  c.clamp = "none";
  c.reconstruction_reduction = c.divergence_reduction = "sum";
  c.beta = beta;
  c.prior_clip = 0;
  c.batch = kBatch;
  return c;
}

/// Adam on all rows in turn, at a rate that falls to nothing, from small weights: a deviation that depends on x
/// at first is slow to forget it.
void train(Vae& vae, std::vector<float> const& x, std::vector<float> const& c, int updates,
           float rate = 0.03F) {
  int const data = vae.shape().data, condition = vae.shape().condition;
  auto weights = download(Cpu{}, In<float>(vae.parameters().values()));
  // What a learned variance begins with, the last parameter, stays.
  std::size_t const kept = vae.shape().learns_variance() ? 1 : 0;
  for (std::size_t i = 0; i + kept < weights.size(); ++i) weights[i] *= 0.1F;
  upload<float>(Cpu{}, weights, vae.parameters().values());
  for (int i = 0; i < updates; ++i) {
    float const left = 1.F - static_cast<float>(i) / static_cast<float>(updates);
    vae.set_learning_rate(rate * left * left);
    int const first = i % (kRows / kBatch) * kBatch;
    InRows<float> const rows(x.data() + static_cast<std::ptrdiff_t>(first) * data, kBatch, data);
    if (condition > 0)
      vae.update(rows,
                 {c.data() + static_cast<std::ptrdiff_t>(first) * condition, kBatch, condition});
    else
      vae.update(rows);
  }
}

/// The means over all rows.
Vae::Losses measured(Vae& vae, std::vector<float> const& x, std::vector<float> const& c = {}) {
  int const data = vae.shape().data, condition = vae.shape().condition, parts = kRows / kBatch;
  Vae::Losses sum{};
  for (int i = 0; i < parts; ++i) {
    std::ptrdiff_t const first = std::ptrdiff_t{i} * kBatch;
    InRows<float> const rows(x.data() + first * data, kBatch, data);
    Vae::Losses const part =
        condition > 0 ? vae.evaluate(rows, {c.data() + first * condition, kBatch, condition})
                      : vae.evaluate(rows);
    sum.reconstruction += part.reconstruction / parts;
    sum.divergence += part.divergence / parts;
    sum.loss += part.loss / parts;
  }
  return sum;
}

/// Columns of the decoder that belong to z.
Eigen::MatrixXd decoder(Vae& vae) {
  auto const w = download(Cpu{}, In<float>(vae.parameters().values("decoder.0.weight")));
  int const latent = vae.shape().latent, width = latent + vae.shape().condition;
  Eigen::MatrixXd all(vae.shape().data, latent);
  for (int r = 0; r < all.rows(); ++r)
    for (int k = 0; k < latent; ++k) all(r, k) = w[static_cast<std::size_t>(r * width + k)];
  return all;
}

/// Each latent's mean divergence over the data, and its posterior variance.
struct Latent {
  double rate, variance;
};
std::vector<Latent> latents(Vae& vae, std::vector<float> const& x) {
  int const k = vae.shape().latent;
  std::vector<float> mean(elements(kRows, k)), log_std(mean.size());
  vae.encode({x.data(), kRows, vae.shape().data}, {}, {mean.data(), kRows, k},
             {log_std.data(), kRows, k});
  std::vector<Latent> all(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < mean.size(); ++i) {
    double const m = mean[i], l = log_std[i];
    Latent& of = all[i % static_cast<std::size_t>(k)];
    of.rate += (0.5 * (m * m + std::exp(2 * l) - 1) - l) / kRows;
    of.variance += std::exp(2 * l) / kRows;
  }
  return all;
}

struct Row {
  float beta;
  double objective, likelihood, divergence;
  double norms[2], variances[2];
};

TEST(LinearVae, ReachesTheClosedFormOptimum) {
  auto const x = section_5().floats();
  for (Row const& want :
       {Row{1, -7.094693, -5.361825, 1.732868, {1.870829, 1.224745}, {0.125, 0.25}},
        Row{2, -8.441266, -6.361825, 1.039721, {1.732051, 1}, {0.25, 0.5}},
        Row{6, -10.224871, -9.361825, 0.143841, {1, 0}, {0.75, 1}},
        Row{10, -10.361825, -10.361825, 0, {0, 0}, {1, 1}}}) {
    Vae vae(Cpu{}, linear(2, want.beta, 0.5F), kData, 0, 3);
    train(vae, x, {}, 1500);
    Vae::Losses const got = measured(vae, x);
    EXPECT_NEAR(-got.loss, want.objective, 0.01) << want.beta;
    EXPECT_NEAR(-got.reconstruction, want.likelihood, 0.02) << want.beta;
    EXPECT_NEAR(got.divergence, want.divergence, 0.02) << want.beta;
    RecordProperty("objective_" + std::to_string(want.beta), std::to_string(-got.loss));

    auto of = latents(vae, x);
    std::sort(of.begin(), of.end(), [](Latent a, Latent b) { return a.rate > b.rate; });
    double const v = double{want.beta} * 0.5;
    Eigen::JacobiSVD<Eigen::MatrixXd> const svd(decoder(vae), Eigen::ComputeThinU);
    for (int i : {0, 1}) {
      double const lambda = section_5().eigenvalues(i), norm = svd.singularValues()(i);
      // 2 %; of a dead column, of the data's largest deviation.
      EXPECT_NEAR(norm, want.norms[i], 0.02 * (want.norms[i] > 0 ? want.norms[i] : 2))
          << want.beta << ", " << i;
      double const rate = std::max(0., 0.5 * std::log(lambda / v));
      EXPECT_NEAR(of[static_cast<std::size_t>(i)].rate, rate, 0.02) << want.beta << ", " << i;
      EXPECT_NEAR(of[static_cast<std::size_t>(i)].variance, want.variances[i], 0.02) << want.beta;
      if (want.norms[i] == 0) continue;
      // The angle between a column's direction and the eigenvector.
      double const cosine = std::abs(svd.matrixU().col(i).dot(section_5().axes.col(i)));
      EXPECT_GT(cosine, std::cos(2 * 3.14159265 / 180)) << want.beta << ", " << i;
    }
  }
}

TEST(LinearVae, LearnsTheVarianceAndReachesTheLikelihood) {
  auto const x = section_5().floats();
  VaeConfig c = linear(2, 1, 2);
  c.likelihood = "learned_gaussian";
  Vae vae(Cpu{}, c, kData, 0, 3);
  train(vae, x, {}, 1500);
  EXPECT_NEAR(vae.variance(), 0.5, 0.02 * 0.5);
  double const log_two_pi = std::log(2 * 3.14159265358979323846);
  double const likelihood =
      -0.5 * (5 * log_two_pi + std::log(4.) + std::log(2.) + 3 * std::log(0.5) + 5);
  EXPECT_NEAR(-measured(vae, x).loss, likelihood, 0.01);

  // The posterior is exact here: importance weights add nothing.
  std::vector<float> elbo(1000), weighted(1000);
  vae.bounds({x.data(), 1000, kData}, {}, 64, elbo, weighted);
  double gap = 0;
  for (std::size_t i = 0; i < elbo.size(); ++i) {
    gap += double{weighted[i] - elbo[i]} / 1000;
    EXPECT_GE(weighted[i], elbo[i] - 1e-5F);
  }
  EXPECT_LT(gap, 0.01);
  RecordProperty("variance", std::to_string(vae.variance()));
  RecordProperty("gap", std::to_string(gap));
}

TEST(LinearVae, CollapsesExactlyWhereTheVarianceTimesBetaPassesTheEigenvalue) {
  Data const data({1, 0.2, 0.2});
  auto const x = data.floats();
  double before = 1e9;
  for (float const v : {0.5F, 0.8F, 0.9F, 1.1F, 1.25F, 2.F}) {
    Vae vae(Cpu{}, linear(1, v / 0.25F, 0.25F), 3, 0, 3);
    train(vae, x, {}, 800);
    double const divergence = measured(vae, x).divergence,
                 rate = std::max(0., 0.5 * std::log(1 / double{v}));
    EXPECT_NEAR(divergence, rate, 0.01) << v;
    EXPECT_EQ(divergence<1e-3, v> 1) << v << ": " << divergence;
    EXPECT_LE(divergence, before);
    RecordProperty("divergence_" + std::to_string(v), std::to_string(divergence));
    before = divergence + 1e-3;
  }
}

// With a linear decoder of [z, c] and an encoder that sees c, the closed form holds of what c leaves open.
TEST(LinearVae, ConditionalOneFindsTheEigenvaluesOfWhatTheConditionLeavesOpen) {
  auto x = section_5().floats();
  auto const c = normal_numbers(elements(kRows, 3), 0, 1, 21);
  auto const a = normal_numbers(15, 0, 2, 22);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < 3; ++j) x[i] += a[i % 5 * 3 + j] * c[i / 5 * 3 + j];
  Vae vae(Cpu{}, linear(2, 2, 0.5F), kData, 3, 3);
  train(vae, x, c, 2000);
  Vae::Losses const got = measured(vae, x, c);
  // 0.01 as above; independent by chance only, c explains 3 / 1e5 of x.
  EXPECT_NEAR(-got.loss, -8.441266, 0.01);
  EXPECT_NEAR(got.divergence, 1.039721, 0.02);
  Eigen::JacobiSVD<Eigen::MatrixXd> const svd(decoder(vae), Eigen::ComputeThinU);
  EXPECT_NEAR(svd.singularValues()(0), 1.732051, 0.02 * 1.732051);
  EXPECT_NEAR(svd.singularValues()(1), 1, 0.02);
}

}  // namespace
}  // namespace loom
