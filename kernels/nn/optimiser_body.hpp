#pragma once
// What the optimisers of this folder share on the device.
#include <kernels/nn/clip_norm_body.hpp>

namespace loom {

/// Counts a step by the gradient's norm, which words[0] gets: counters[0] where it is finite, else
/// counters[1], and the step must change nothing. The number of the step, 0 for one that is skipped.
HD std::int32_t count_step(float norm, Out<float> words, Out<std::int32_t> counters) {
  words[0] = norm;
  if (!is_finite(norm)) {
    counters[1] += 1;
    return 0;
  }
  return counters[0] += 1;
}

/// 1 - beta^t. Through expm1: 1 - 0.999F alone has lost five digits.
HD float moment_weight(std::int32_t t, float log_beta) {
  return -math::expm1(to_float(t) * log_beta);
}

}  // namespace loom
