#include <gtest/gtest.h>

#include <learn/dreamer/scalars.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

TEST(Scalars, ANormalHeadLearnsFromTwoTargetsAtOnce) {
  std::vector<float> const x{1, -2, 5}, first{0, 4, 5}, second{3, 3, 3}, weight{1, 0.5F, 2};
  for (Exec const& exec : every_exec()) {
    Scalars const scalars(exec, {ScalarsShape::Kind::normal, 1}, 3);
    auto const outputs = uploaded(exec, x), a = uploaded(exec, first), b = uploaded(exec, second),
               dloss = uploaded(exec, weight);
    Buffer<float> slope(exec, 3);
    OutRows<float> const to(slope.data(), 3, 1);
    scalars.backward(exec, {outputs.data(), 3, 1}, a.in(), dloss.in(), to);
    scalars.backward(exec, {outputs.data(), 3, 1}, b.in(), dloss.in(), to, Result::add);
    std::vector<float> const got = download(slope);
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_EQ(got[k], weight[k] * ((x[k] - first[k]) + (x[k] - second[k])));
  }
}

}  // namespace
}  // namespace loom
