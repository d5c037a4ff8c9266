#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/render/frame_stack_body.hpp>
#include <limits>

namespace loom {
namespace {

void stack(Here exec, FrameHistory const& history, In<std::int32_t> places,
           InRows<std::uint8_t> newest, OutRows<std::uint8_t> stacks) {
  require(history.pixels > 0 && history.pixels % 16 == 0 && history.stack >= 1,
          "stack_frames: ", history.stack, " frames of ", history.pixels,
          " pixels (needs 1 or more of a multiple of 16)");
  require(static_cast<int>(places.size) == stacks.rows &&
              stacks.cols == 3 * history.stack * history.pixels,
          "stack_frames: ", places.size, " places, ", stacks.rows, " x ", stacks.cols,
          " bytes (needs rows of ", 3 * history.stack * history.pixels, ")");
  auto const lanes = static_cast<std::int64_t>(stacks.rows) * history.pixels;
  require(lanes <= std::numeric_limits<int>::max(), "stack_frames: ", lanes,
          " pixels (at most 2^31 - 1)");
  launch(exec, static_cast<int>(lanes), StackFrames{history, places, newest, stacks});
}

}  // namespace

void stack_frames(Here exec, FrameHistory const& history, In<std::int32_t> places,
                  OutRows<std::uint8_t> stacks) {
  stack(exec, history, places, {}, stacks);
}

void stack_last_frames(Here exec, FrameHistory const& history, In<std::int32_t> places,
                       InRows<std::uint8_t> newest, OutRows<std::uint8_t> stacks) {
  require(newest.rows == stacks.rows && newest.cols == 3 * history.pixels,
          "stack_last_frames: ", newest.rows, " x ", newest.cols, " newest bytes (needs ",
          stacks.rows, " x ", 3 * history.pixels, ")");
  stack(exec, history, places, newest, stacks);
}

}  // namespace loom
