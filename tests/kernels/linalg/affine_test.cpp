#include <kernels/core/error.hpp>
#include <kernels/linalg/affine.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Affine, RoundsOnceAndWorksInPlace) {
  auto const x = normal_numbers(1003, 0, 10, 1);
  for (Exec const& exec : every_machine()) {
    auto y = uploaded(exec, x);
    visit(exec, [&](auto e) { affine(e, 1.7F, -3.3F, y.in(), y.out()); });
    auto const got = download(y);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(got[i], std::fma(1.7F, x[i], -3.3F)) << describe(exec) << ", " << i;
  }
}

TEST(Affine, RefusesOtherSizes) {
  std::vector<float> a(3), b(4);
  EXPECT_THROW(affine(Cpu{}, 1, 0, a, b), ShapeError);
}

}  // namespace
}  // namespace loom
