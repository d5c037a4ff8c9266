#include <gtest/gtest.h>

#include <cmath>
#include <learn/dreamer/latent_entropy.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

constexpr int kRows = 37;

std::vector<float> numbers(std::size_t n) {
  std::vector<float> x;
  for (std::size_t i = 0; i < n; ++i) x.push_back(3 * std::sin(1.7F * static_cast<float>(i * i)));
  return x;
}

double entropy(Exec const& exec, LatentsShape const& shape, std::vector<float> const& statistics) {
  LatentEntropy of(exec, shape, kRows);
  auto const x = uploaded(exec, statistics);
  auto total = zeros<float>(exec, 1);
  of.sum(exec, {x.data(), kRows, shape.statistics()}, total.out());
  return LatentEntropy::mean(shape, static_cast<double>(download(total)[0]), kRows);
}

TEST(LatentEntropy, OfCategoricalsIsThatOfTheirMixedProbabilities) {
  for (float const unimix : {0.F, 0.1F}) {
    LatentsShape shape;
    shape.groups = 3, shape.classes = 5, shape.unimix = unimix;
    std::vector<float> const x = numbers(static_cast<std::size_t>(kRows * shape.size()));
    double want = 0;
    for (std::size_t g = 0; g < x.size(); g += 5) {
      double sum = 0;
      for (std::size_t k = 0; k < 5; ++k) sum += std::exp(double{x[g + k]});
      for (std::size_t k = 0; k < 5; ++k) {
        double const p =
            (1 - double{unimix}) * std::exp(double{x[g + k]}) / sum + double{unimix} / 5;
        want -= p * std::log(p) / (kRows * 3);
      }
    }
    for (Exec const& exec : every_exec()) EXPECT_NEAR(entropy(exec, shape, x), want, 1e-5);
  }
}

TEST(LatentEntropy, OfEqualLogitsIsTheLogarithmOfTheClasses) {
  LatentsShape shape;
  shape.groups = 2, shape.classes = 8;
  std::vector<float> const x(static_cast<std::size_t>(kRows * shape.size()), 0.5F);
  for (Exec const& exec : every_exec()) EXPECT_NEAR(std::exp(entropy(exec, shape, x)), 8, 1e-5);
}

TEST(LatentEntropy, OfGaussiansIsThatOfTheirDeviations) {
  LatentsShape shape;
  shape.kind = LatentsShape::Kind::gaussian;
  shape.gaussian = 4;
  std::vector<float> const x = numbers(kRows * 8);
  double want = 0;
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t k = 0; k < 4; ++k) {
      double const deviation = std::log1p(std::exp(double{x[8 * r + 4 + k]})) + 0.1;
      want += 0.5 * std::log(2 * M_PI * M_E * deviation * deviation) / (kRows * 4);
    }
  for (Exec const& exec : every_exec()) EXPECT_NEAR(entropy(exec, shape, x), want, 1e-5);
}

}  // namespace
}  // namespace loom
