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

// A magnitude up to 1 leaves a slope as it is, a greater one scales it without a slope of its own.
TEST(Carry, ActionsPassTheirSlopesThroughTheirBound) {
  int const rows = 9, cols = 37, stride = 40;
  auto const x = normal_numbers(rows * stride, 0, 2, 3), d = normal_numbers(rows * stride, 0, 1, 4);
  std::vector<float> const first{0, 1, 0, 0, 1, 1, 0, 0, 1};
  for (Exec const& exec : every_machine()) {
    auto const from = uploaded(exec, x), flags = uploaded(exec, first), slope = uploaded(exec, d);
    auto apart = uploaded(exec, std::vector<float>(x.size(), 9.F)), in_place = uploaded(exec, d);
    visit(exec, [&](auto e) {
      InRows<float> const actions(from.data(), rows, cols, stride);
      carry_action_backward(e, flags.in(), actions, {slope.data(), rows, cols, stride},
                            {apart.data(), rows, cols, stride});
      carry_action_backward(e, flags.in(), actions, {in_place.data(), rows, cols, stride},
                            {in_place.data(), rows, cols, stride});
    });
    auto const got = download(apart), same = download(in_place);
    for (std::size_t i = 0; i < x.size(); ++i) {
      bool const gap = i % stride >= cols, kept = first[i / stride] == 0;
      float const want = kept ? d[i] / std::max(1.F, std::abs(x[i])) : 0.F;
      EXPECT_EQ(got[i], gap ? 9.F : want) << i;
      EXPECT_EQ(same[i], gap ? d[i] : want) << i;
      if (gap || !kept) continue;
      // The quotient by the constant, moved a little.
      double const bound = std::max(1., std::abs(double{x[i]}));
      EXPECT_NEAR(got[i], d[i] * central_difference([&](double a) { return a / bound; }, x[i]),
                  1e-6 * std::abs(d[i]));
    }
  }
}

TEST(Carry, SaysWhatDoesNotFit) {
  std::vector<float> x(12), first(3);
  EXPECT_THROW(carry(Cpu{}, first, {x.data(), 3, 4}, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(carry(Cpu{}, first, {x.data(), 4, 3}, {x.data(), 4, 3}), ShapeError);
  EXPECT_THROW(
      carry_action_backward(Cpu{}, first, {x.data(), 3, 3}, {x.data(), 3, 4}, {x.data(), 3, 4}),
      ShapeError);
}

}  // namespace
}  // namespace loom
