#include <kernels/nn/clip_norm.hpp>
#include <limits>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

struct Clipped {
  std::vector<float> gradient;
  float norm;
};

Clipped run(Exec const& exec, std::vector<float> const& gradient, float max_norm) {
  auto g = uploaded(exec, gradient);
  Buffer<float> norm(exec, 1);
  Buffer<std::uint8_t> workspace(exec, reduce_workspace(g.size()));
  visit(exec, [&](auto e) { clip_norm(e, max_norm, g.out(), norm.out(), workspace.out()); });
  return {download(g), download(norm)[0]};
}

TEST(ClipNorm, AgreesWithTorch) {
  Fixture const f("torch/clip_gradient");
  for (std::string const which : {"over", "under", "huge"})
    for (Exec const& exec : every_machine()) {
      auto const gradient = f.floats(which + "_gradient");
      auto const got = run(exec, gradient, static_cast<float>(f.scalar(which + "_max_norm")));
      double const norm = f.scalar(which + "_norm");
      EXPECT_NEAR(got.norm, norm, 1e-6 * norm);
      auto const want = f.vector(which + "_clipped");
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got.gradient[i], want[i], 1e-6 * std::abs(want[i])) << which << " " << i;
    }
}

TEST(ClipNorm, HalfAMillionElementsHaveTheNormOfTheDoubleSum) {
  auto const gradient = normal_numbers(500003, 0.1, 2, 1);
  double sum = 0;
  for (double g : gradient) sum += g * g;
  std::vector<float> first;
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, gradient, 1.F);
    EXPECT_NEAR(got.norm, std::sqrt(sum), 1e-5 * std::sqrt(sum));
    double clipped = 0;
    for (double g : got.gradient) clipped += g * g;
    EXPECT_NEAR(std::sqrt(clipped), 1, 1e-5);
    if (first.empty()) first = got.gradient;
    EXPECT_EQ(got.gradient, first) << "bits";
  }
}

TEST(ClipNorm, LeavesSmallAndBrokenGradientsAlone) {
  float const infinity = std::numeric_limits<float>::infinity();
  std::vector<float> const small{0.3F, -0.4F}, none{0, 0}, broken{1.F, infinity};
  for (Exec const& exec : every_machine()) {
    EXPECT_EQ(run(exec, small, 0.6F).gradient, small);
    EXPECT_EQ(run(exec, none, 0.6F).gradient, none);
    auto const got = run(exec, broken, 0.6F);
    EXPECT_EQ(got.gradient, broken);
    EXPECT_EQ(got.norm, infinity);
    EXPECT_TRUE(std::isnan(run(exec, {1.F, std::nanf("")}, 0.6F).norm));
  }
}

TEST(ClipNorm, SaysWhatDoesNotFit) {
  EXPECT_THROW(run(Cpu{}, {1.F}, 0.F), ConfigError);
  std::vector<float> gradient(10000), norm(1);
  std::vector<std::uint8_t> workspace;
  EXPECT_THROW(clip_norm(Cpu{}, 1.F, gradient, norm, workspace), ShapeError);
}

}  // namespace
}  // namespace loom
