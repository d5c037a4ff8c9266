#include <gtest/gtest.h>

#include <algorithm>
#include <kernels/core/buffer.hpp>
#include <kernels/core/error.hpp>
#include <kernels/render/frame_stack.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

constexpr int kTimes = 6, kNumEnvs = 5, kPixels = 48;

/// A byte that names its time, instance, pixel and colour.
std::uint8_t byte_of(int time, int instance, int pixel, int colour) {
  return static_cast<std::uint8_t>((time + 3) * 31 + instance * 7 + pixel * 3 + colour);
}

struct Film {
  int stack;
  std::vector<std::uint8_t> frames;
  std::vector<std::int32_t> age;

  explicit Film(int s) : stack(s) {
    for (int time = 1 - stack; time < kTimes; ++time)
      for (int i = 0; i < kNumEnvs; ++i)
        for (int p = 0; p < kPixels; ++p)
          for (int c = 0; c < 3; ++c) frames.push_back(byte_of(time, i, p, c));
    // Instance i is i steps old at time 0; instance 2 starts anew at time 3.
    for (int time = 0; time < kTimes; ++time)
      for (int i = 0; i < kNumEnvs; ++i) age.push_back(i == 2 && time >= 3 ? time - 3 : i + time);
  }
  int age_at(int time, int i) const { return age[static_cast<std::size_t>(time * kNumEnvs + i)]; }
};

TEST(StackFrames, ShowsTheNewestFirstAndNeverAnotherEpisode) {
  for (Exec const& exec : every_exec())
    for (int const stack : {1, 2, 4}) {
      Film const film(stack);
      Buffer<std::uint8_t> const frames = uploaded(exec, film.frames);
      Buffer<std::int32_t> const age = uploaded(exec, film.age);
      std::vector<std::int32_t> order(kTimes * kNumEnvs);
      for (std::size_t k = 0; k < order.size(); ++k)
        order[k] = static_cast<std::int32_t>(k * 7 % order.size());
      Buffer<std::int32_t> const places = uploaded(exec, order);
      int const rows = kTimes * kNumEnvs, bytes = 3 * stack * kPixels;
      Buffer<std::uint8_t> stacks(exec, static_cast<std::size_t>(rows * bytes));
      visit(exec, [&](auto e) {
        stack_frames(e, {frames.data(), age.data(), kNumEnvs, kPixels, stack}, places.in(),
                     {stacks.data(), rows, bytes});
      });
      std::vector<std::uint8_t> const got = download(stacks);
      std::size_t at = 0;
      for (int const place : order) {
        int const time = place / kNumEnvs, i = place % kNumEnvs;
        for (int p = 0; p < kPixels; ++p)
          for (int k = 0; k < stack; ++k)
            for (int c = 0; c < 3; ++c) {
              int const back = std::min(k, film.age_at(time, i));
              ASSERT_EQ(got[at++], byte_of(time - back, i, p, c))
                  << "time " << time << ", instance " << i << ", frame " << k;
            }
      }
    }
}

TEST(StackFrames, LaysALastFrameOverThoseBefore) {
  for (Exec const& exec : every_exec())
    for (int const stack : {1, 3}) {
      Film const film(stack);
      Buffer<std::uint8_t> const frames = uploaded(exec, film.frames);
      Buffer<std::int32_t> const age = uploaded(exec, film.age);
      // Instance 2 at time 3 is in its first frame; instance 1 has not ended.
      std::vector<std::int32_t> const ended{2 * kNumEnvs + 0, -1, 3 * kNumEnvs + 2};
      Buffer<std::int32_t> const places = uploaded(exec, ended);
      std::vector<std::uint8_t> last(std::size_t{3} * kPixels * ended.size(), 200);
      Buffer<std::uint8_t> newest = uploaded(exec, last);
      int const bytes = 3 * stack * kPixels;
      Buffer<std::uint8_t> stacks =
          uploaded(exec, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * bytes), 9));
      visit(exec, [&](auto e) {
        stack_last_frames(e, {frames.data(), age.data(), kNumEnvs, kPixels, stack}, places.in(),
                          {newest.data(), 3, 3 * kPixels}, {stacks.data(), 3, bytes});
      });
      std::vector<std::uint8_t> const got = download(stacks);
      std::size_t at = 0;
      for (int const place : ended)
        for (int p = 0; p < kPixels; ++p)
          for (int k = 0; k < stack; ++k)
            for (int c = 0; c < 3; ++c) {
              std::uint8_t const value = got[at++];
              if (place < 0) {
                ASSERT_EQ(value, 9);
                continue;
              }
              int const time = place / kNumEnvs, i = place % kNumEnvs;
              int const back = std::min(k, film.age_at(time, i) + 1);
              ASSERT_EQ(value, back == 0 ? 200 : byte_of(time + 1 - back, i, p, c));
            }
    }
}

TEST(StackFrames, SaysWhatDoesNotFit) {
  std::vector<std::uint8_t> bytes(1000);
  std::vector<std::int32_t> const ints(10);
  FrameHistory const odd{bytes.data(), ints.data(), 1, 10, 1};
  EXPECT_THROW(stack_frames(Cpu{}, odd, ints, {bytes.data(), 10, 30}), ShapeError);
  FrameHistory const good{bytes.data(), ints.data(), 1, 16, 1};
  EXPECT_THROW(stack_frames(Cpu{}, good, ints, {bytes.data(), 9, 48}), ShapeError);
}

}  // namespace
}  // namespace loom
