#pragma once
// The scale of returns that version 3 of Dreamer divides advantages by.
#include <kernels/core/buffer.hpp>

namespace loom {

struct ReturnRangeConfig {
  float low = 0.05F, high = 0.95F;  ///< percentiles
  float rate = 0.01F;               ///< of the average, which begins at 0 and is not corrected
};

/// Bytes of workspace for n returns.
std::size_t return_range_workspace(Cpu exec, int n);
std::size_t return_range_workspace(Gpu exec, int n);

/// range += rate (high percentile - low percentile - range), percentiles with linear interpolation as
/// NumPy's. Users divide by max(1, range).
///
/// Shapes   returns: (n), n > 0; state: (3): range, and the two percentiles of these returns; workspace:
///          return_range_workspace(exec, n) bytes, aligned to 256.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit; ConfigError unless 0 <= low < high <= 1, 0 < rate <= 1.
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models", equation 7.
void update_return_range(Cpu exec, ReturnRangeConfig const& config, In<float> returns,
                         Out<float> state, Out<std::uint8_t> workspace);
void update_return_range(Gpu exec, ReturnRangeConfig const& config, In<float> returns,
                         Out<float> state, Out<std::uint8_t> workspace);

/// y[i] = scale x[i] / max(1, range).
///
/// Shapes   range: as state above; x, y: (n). y may be x's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   as above, equation 6.
void by_return_range(Cpu exec, float scale, In<float> range, In<float> x, Out<float> y);
void by_return_range(Gpu exec, float scale, In<float> range, In<float> x, Out<float> y);

}  // namespace loom
