#pragma once
#include <kernels/core/lane.hpp>
#include <kernels/render/frame_stack.hpp>

namespace loom {

/// Lanes are pixels of stacks; a pack's pixels lie beside each other in one of them.
struct StackFrames {
  FrameHistory history;
  In<std::int32_t> places;
  InRows<std::uint8_t> newest;  // may be empty
  OutRows<std::uint8_t> stacks;

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const row = i.index / history.pixels, pixel = i.index % history.pixels;
    std::int32_t const place = places[static_cast<std::size_t>(row)];
    if (place < 0) return;
    bool const last = newest.data != nullptr;
    // How many frames back the episode goes, and the slot of the newest frame there is.
    int const age = history.age[place] + (last ? 1 : 0);
    int const time = place / history.num_envs + (last ? 1 : 0);
    int const instance = place % history.num_envs;
    std::uint8_t* const to = stacks.row(row) + 3 * history.stack * pixel;
    for (int k = 0; k < history.stack; ++k) {
      int const back = k < age ? k : age;
      auto const slot = static_cast<std::ptrdiff_t>(history.stack - 1 + time - back);
      std::uint8_t const* from =
          last && back == 0
              ? newest.row(row)
              : history.frames + (slot * history.num_envs + instance) * 3 * history.pixels;
      from += 3 * pixel;
      for (int l = 0; l < kWidth<F>; ++l) {
        std::uint8_t* const out = to + (l * history.stack + k) * 3;
        out[0] = from[3 * l];
        out[1] = from[3 * l + 1];
        out[2] = from[3 * l + 2];
      }
    }
  }
};

}  // namespace loom
