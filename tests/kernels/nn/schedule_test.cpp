#include <gtest/gtest.h>

#include <kernels/core/buffer.hpp>
#include <kernels/nn/schedule.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

TEST(LinearSchedule, FallsToZeroAtItsHorizonAndStays) {
  for (Exec const& exec : every_exec()) {
    Buffer<std::uint32_t> count = zeros<std::uint32_t>(exec, 1);
    Buffer<float> rate = zeros<float>(exec, 1);
    for (float const want : {2.F, 1.5F, 1.F, 0.5F, 0.F, 0.F}) {
      visit(exec, [&](auto e) { linear_schedule(e, 2.F, 4.F, count.out(), rate.out()); });
      EXPECT_EQ(download(rate)[0], want);
    }
    visit(exec, [&](auto e) { linear_schedule(e, 3.F, 0.F, count.out(), rate.out()); });
    EXPECT_EQ(download(rate)[0], 3.F);
    visit(exec, [&](auto e) { advance(e, count.out()); });
    EXPECT_EQ(download(count)[0], 8U);
  }
}

TEST(WarmUp, RisesFromZeroAndStays) {
  for (Exec const& exec : every_exec()) {
    Buffer<std::uint32_t> count = zeros<std::uint32_t>(exec, 1);
    Buffer<float> rate = zeros<float>(exec, 1);
    for (float const want : {0.F, 0.5F, 1.F, 1.5F, 2.F, 2.F}) {
      visit(exec, [&](auto e) { warm_up(e, 2.F, 4.F, count.out(), rate.out()); });
      EXPECT_EQ(download(rate)[0], want);
    }
    auto first = zeros<std::uint32_t>(exec, 1);
    visit(exec, [&](auto e) { warm_up(e, 3.F, 0.F, first.out(), rate.out()); });
    EXPECT_EQ(download(rate)[0], 3.F);
  }
}

TEST(LinearSchedule, RefusesANegativeHorizon) {
  std::vector<std::uint32_t> count(1);
  std::vector<float> rate(1);
  EXPECT_THROW(linear_schedule(Cpu{}, 1.F, -1.F, count, rate), ConfigError);
  EXPECT_THROW(warm_up(Cpu{}, 1.F, -1.F, count, rate), ConfigError);
  EXPECT_THROW(advance(Cpu{}, Out<std::uint32_t>{}), ShapeError);
}

}  // namespace
}  // namespace loom
