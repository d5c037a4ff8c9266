#include <kernels/core/fma_chains.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/buffer.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

/// After t turns every x is 2 - (2 - x0) / 2^t.
double sum_after(int turns) {
  double sum = 0;
  for (int c = 0; c < kFmaChains; ++c) sum += 2 - (2 - c) / std::exp2(turns);
  return sum;
}

TEST(FmaChains, DoesEveryTurnInEveryLane) {
  for (Exec const& exec : every_exec()) {
    for (int const turns : {0, 1, 5, 40}) {
      Buffer<float> sums(exec, 77);
      visit(exec, [&](auto e) { fma_chains(e, turns, sums.out()); });
      for (float const sum : download(sums)) {
        // Exact until the halves leave the mantissa.
        EXPECT_NEAR(static_cast<double>(sum), sum_after(turns), turns > 20 ? 1e-5 : 0) << turns;
      }
    }
  }
}

TEST(FmaChains, RefusesNegativeTurns) {
  std::vector<float> sums(4);
  EXPECT_THROW(fma_chains(Cpu{}, -1, sums), ShapeError);
}

}  // namespace
}  // namespace loom
