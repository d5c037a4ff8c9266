#pragma once
// Frames of many times become observations that show motion.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Frames of instances over time, and how many of them belong to the episode of each.
///
/// Slot s holds the frames of time s - (stack - 1), so that time 0 has its past.
struct FrameHistory {
  std::uint8_t const* frames = nullptr;  ///< [stack - 1 + times][N][pixels][3]
  std::int32_t const* age = nullptr;     ///< [times][N]: steps since the first frame of the episode
  int num_envs = 0;                      ///< N
  int pixels = 0;                        ///< of a frame
  int stack = 1;
};

/// stacks[r] = the frames of place r, newest first: channel 3 k + c is colour c of the frame k steps before.
/// Frames from before an episode are its first frame.
///
/// Shapes   places: (R), time * N + instance; stacks: (R, pixels * 3 stack), NHWC.
/// Errors   ShapeError if sizes do not fit or pixels is no multiple of 16. Places are not checked.
void stack_frames(Cpu exec, FrameHistory const& history, In<std::int32_t> places,
                  OutRows<std::uint8_t> stacks);
void stack_frames(Gpu exec, FrameHistory const& history, In<std::int32_t> places,
                  OutRows<std::uint8_t> stacks);

/// The same where the newest frame is one of its own, of the state that followed the frame of the place:
/// the last one of an episode, which no history holds.
///
/// Shapes   newest: (R, pixels * 3); a place below 0 is not stacked: its row keeps what it had.
void stack_last_frames(Cpu exec, FrameHistory const& history, In<std::int32_t> places,
                       InRows<std::uint8_t> newest, OutRows<std::uint8_t> stacks);
void stack_last_frames(Gpu exec, FrameHistory const& history, In<std::int32_t> places,
                       InRows<std::uint8_t> newest, OutRows<std::uint8_t> stacks);

}  // namespace loom
