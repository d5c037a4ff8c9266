#pragma once
// What the optimisers of this folder share on the host.
#include <algorithm>
#include <cmath>
#include <kernels/core/error.hpp>

namespace loom {

/// Throws ConfigError unless low <= value < high.
inline void check_coefficient(char const* who, char const* what, float value, float low,
                              float high) {
  require<ConfigError>(value >= low && value < high, who, ": ", what, " is ", value, " (needs ",
                       low, " <= ", what, " < ", high, ")");
}

/// log(beta) for OptimiserStep. log 0 = -inf would make 0 * -inf of step 0; no float is told apart from 0
/// after exp(-1e4).
inline float log_decay(float beta) {
  return static_cast<float>(std::log(std::max(static_cast<double>(beta), 1e-300)));
}

}  // namespace loom
