#include <tools/dreamloom/progress.hpp>

#include <gtest/gtest.h>

#include <cstdlib>

namespace loom {
namespace {

TEST(Progress, WritesNumbersForPeople) {
  EXPECT_EQ(with_prefix(0), "0");
  EXPECT_EQ(with_prefix(950), "950");
  EXPECT_EQ(with_prefix(1250), "1.25 k");
  EXPECT_EQ(with_prefix(999600), "1 M");
  EXPECT_EQ(with_prefix(2.345e9), "2.35 G");
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1048576), "1,048,576");
  EXPECT_EQ(with_commas(-1234), "-1,234");
  EXPECT_EQ(clock_text(3.4), "3 s");
  EXPECT_EQ(clock_text(125), "2:05");
  EXPECT_EQ(clock_text(3725), "1:02:05");
}

TEST(Progress, SaysEverythingInOneLine) {
  ProgressState const state{500000, 1000000, 250000, 312.44};
  EXPECT_EQ(progress_line(state),
            "500,000 of 1,000,000 steps, 250 k steps/s, return 312.4, 2 s left");
  EXPECT_EQ(progress_line({0, 100, 0, {}}), "0 of 100 steps, 0 steps/s");
}

TEST(Progress, FillsTheBarAndStaysWithinTheTerminal) {
  setenv("LC_ALL", "C", 1);
  ProgressState const state{500000, 1000000, 250000, 312.44};
  EXPECT_EQ(progress_bar("run", state, 200),
            "run [" + std::string(20, '#') + std::string(20, '.') +
                "]  50 %  500 k/1 M steps  250 k steps/s  return 312.4  ETA 2 s");
  for (int width = 1; width < 200; ++width) {
    EXPECT_LT(progress_bar("a rather long name", state, width).size(),
              static_cast<std::size_t>(std::max(width, 2)));
  }
}

}  // namespace
}  // namespace loom
