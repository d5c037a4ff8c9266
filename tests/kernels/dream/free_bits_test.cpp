#include <kernels/core/error.hpp>
#include <kernels/dream/free_bits.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

struct Weights {
  std::vector<float> representation, dynamics, loss;
};

Weights solved(Exec const& exec, FreeBitsConfig const& config, std::vector<float> const& kl) {
  auto const x = uploaded(exec, kl);
  Buffer<float> representation(exec, kl.size()), dynamics(exec, kl.size()), loss(exec, 2);
  visit(exec, [&](auto e) {
    free_bits(e, config, x.in(), representation.out(), dynamics.out(), loss.out());
  });
  return {download(representation), download(dynamics), download(loss)};
}

TEST(FreeBits, ARowBelowTheThresholdPullsAtNothing) {
  auto kl = normal_numbers(333, 1, 0.5, 1);
  for (Exec const& exec : every_machine()) {
    Weights const got = solved(exec, {}, kl);
    double loss = 0, mean = 0;
    for (std::size_t i = 0; i < kl.size(); ++i) {
      float const share = kl[i] > 1 ? 1.F / 333.F : 0.F;
      EXPECT_EQ(got.dynamics[i], share);
      EXPECT_EQ(got.representation[i], share * 0.1F);
      loss += 1.1 * std::max(1., double{kl[i]}) / 333;
      mean += double{kl[i]} / 333;
    }
    EXPECT_NEAR(got.loss[0], loss, 1e-5);
    EXPECT_NEAR(got.loss[1], mean, 1e-5);
  }
}

TEST(FreeBits, OfTheMeanPullsAtAllRowsOrNone) {
  auto const kl = normal_numbers(100, 2, 1.5, 2);
  for (Exec const& exec : every_machine()) {
    Weights const above = solved(exec, {1.5F, 0.8F, 0.2F, false, true}, kl),
                  joint = solved(exec, {1.5F, 0.8F, 0.2F, true, true}, kl),
                  below = solved(exec, {3.F, 0.8F, 0.2F, false, true}, kl);
    for (std::size_t i = 0; i < kl.size(); ++i) {
      EXPECT_FLOAT_EQ(above.dynamics[i], 0.008F);
      EXPECT_FLOAT_EQ(above.representation[i], 0.002F);
      EXPECT_EQ(below.dynamics[i], 0.F);
      EXPECT_EQ(below.representation[i], 0.F);
    }
    EXPECT_FLOAT_EQ(above.loss[0], above.loss[1]);
    EXPECT_FLOAT_EQ(below.loss[0], 3.F);
    EXPECT_EQ(joint.representation, above.dynamics);
    EXPECT_EQ(joint.dynamics, above.dynamics);
    EXPECT_FLOAT_EQ(joint.loss[0], 0.8F * joint.loss[1]);
  }
}

TEST(FreeBits, SaysWhatDoesNotFit) {
  std::vector<float> three(3), four(4), two(2);
  EXPECT_THROW(free_bits(Cpu{}, {}, three, four, three, two), ShapeError);
  EXPECT_THROW(free_bits(Cpu{}, {}, three, three, three, three), ShapeError);
  EXPECT_THROW(free_bits(Cpu{}, {}, In<float>{}, Out<float>{}, Out<float>{}, two), ShapeError);
}

}  // namespace
}  // namespace loom
