#pragma once
#include <kernels/nn/ppo_loss.hpp>

namespace loom {

/// The floats that the launches of a loss hand each other.
struct PpoWorkspace {
  float* advantage;        // mean and inverse deviation
  float* advantage_slots;  // moments of slabs
  float* slots;            // sums of slabs
  float* log_std_slots;    // [slabs][actions]
  float* d_log_prob;       // a row
  std::size_t bytes;

  PpoWorkspace(std::uint8_t* memory, int rows, int actions) {
    std::size_t used = 0;
    auto const take = [&](std::size_t floats) {
      std::size_t const at = used;
      used += (floats * sizeof(float) + 15) / 16 * 16;
      return memory == nullptr ? nullptr : reinterpret_cast<float*>(memory + at);
    };
    auto const n = static_cast<std::size_t>(rows);
    auto const slabs = static_cast<std::size_t>(ppo_plan(rows).slabs);
    advantage = take(2);
    advantage_slots = take(slabs * reduction::Moments::kParts);
    slots = take(slabs * PpoRule::kParts);
    log_std_slots = take(slabs * static_cast<std::size_t>(actions));
    d_log_prob = take(n);
    bytes = used;
  }
};

}  // namespace loom
