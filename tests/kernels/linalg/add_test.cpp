#include <gtest/gtest.h>

#include <kernels/core/buffer.hpp>
#include <kernels/linalg/add.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

TEST(Add, AddsInPlaceOnEveryMachine) {
  std::vector<float> a(1003), b(1003);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(i);
    b[i] = 0.5F;
  }
  for (Exec const& exec : every_exec()) {
    Buffer<float> x = uploaded(exec, a), y = uploaded(exec, b);
    visit(exec, [&](auto e) { add(e, x.in(), y.in(), x.out()); });
    std::vector<float> const sum = download(x);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(sum[i], static_cast<float>(i) + 0.5F);
  }
}

TEST(Add, RefusesOtherSizes) {
  std::vector<float> a(3), b(4);
  EXPECT_THROW(add(Cpu{}, a, b, a), ShapeError);
}

}  // namespace
}  // namespace loom
