#include <kernels/core/error.hpp>
#include <kernels/dream/carry.hpp>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Carry, StopsWhereAnEpisodeBeginsForwardsAndBackwards) {
  int const rows = 9, cols = 37, stride = 40;
  auto const x = normal_numbers(rows * stride, 0, 2, 1), d = normal_numbers(rows * stride, 0, 1, 2);
  std::vector<float> const first{0, 1, 0, 0, 1, 1, 0, 0, 1};
  for (Exec const& exec : every_machine()) {
    auto const from = uploaded(exec, x), flags = uploaded(exec, first), slope = uploaded(exec, d);
    auto to = uploaded(exec, std::vector<float>(x.size(), 9.F)),
         action = uploaded(exec, std::vector<float>(x.size(), 9.F)), back = uploaded(exec, x);
    auto const in = [&](Buffer<float> const& b) {
      return InRows<float>(b.data(), rows, cols, stride);
    };
    auto const out = [&](Buffer<float>& b) { return OutRows<float>(b.data(), rows, cols, stride); };
    visit(exec, [&](auto e) {
      carry(e, flags.in(), in(from), out(to));
      carry_action(e, flags.in(), in(from), out(action));
      carry_backward(e, flags.in(), in(slope), out(back));
    });
    auto const got = download(to), acts = download(action), gradient = download(back);
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::size_t const row = i / stride;
      bool const gap = i % stride >= cols, kept = first[row] == 0;
      EXPECT_EQ(got[i], gap ? 9.F : kept ? x[i] : 0.F) << i;
      EXPECT_EQ(acts[i], gap ? 9.F : kept ? x[i] / std::max(1.F, std::abs(x[i])) : 0.F) << i;
      EXPECT_EQ(gradient[i], gap || !kept ? x[i] : x[i] + d[i]) << i;
    }
  }
}

TEST(Carry, SaysWhatDoesNotFit) {
  std::vector<float> x(12), first(3);
  EXPECT_THROW(carry(Cpu{}, first, {x.data(), 3, 4}, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(carry(Cpu{}, first, {x.data(), 4, 3}, {x.data(), 4, 3}), ShapeError);
}

}  // namespace
}  // namespace loom
