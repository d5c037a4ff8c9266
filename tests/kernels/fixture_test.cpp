#include <gtest/gtest.h>
#include <tests/fixture.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numeric>

namespace loom {
namespace {

std::size_t product(std::vector<std::size_t> const& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

TEST(EveryFixture, ReadsWholeAndFinite) {
  int count = 0;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(Fixture::folder())) {
    if (entry.path().extension() != ".bin") continue;
    auto path = std::filesystem::relative(entry.path(), Fixture::folder()).replace_extension();
    Fixture const f(path.string());
    ++count;
    EXPECT_FALSE(f.names().empty()) << path;
    for (auto const& name : f.names()) {
      auto const values = f.vector(name);
      EXPECT_EQ(values.size(), product(f.shape(name))) << path << ' ' << name;
      for (double const value : values) ASSERT_TRUE(std::isfinite(value)) << path << ' ' << name;
    }
  }
  EXPECT_GT(count, 10);
}

TEST(Fixture, HoldsTheSoftmaxOfItsLogits) {
  Fixture const f("torch/categorical");
  ASSERT_EQ(f.shape("logits"), (std::vector<std::size_t>{37, 5}));
  auto const logits = f.floats("logits");
  auto const actions = f.ints("action");
  auto const log_prob = f.vector("log_prob");
  for (std::size_t row = 0; row < 37; ++row) {
    float const* x = logits.data() + 5 * row;
    double const peak = *std::max_element(x, x + 5);
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) sum += std::exp(x[i] - peak);
    double const expected = x[actions[row]] - peak - std::log(sum);
    EXPECT_NEAR(log_prob[row], expected, 1e-12 * std::max(1.0, std::abs(expected)));  // rounding
  }
}

TEST(Fixture, NamesWhatIsMissing) {
  EXPECT_THROW(Fixture("torch/nothing"), IoError);
  EXPECT_THROW(Fixture("torch/gae").vector("nothing"), IoError);
  EXPECT_THROW(Fixture("torch/gae").scalar("reward"), ShapeError);
}

}  // namespace
}  // namespace loom
