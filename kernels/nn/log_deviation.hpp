#pragma once
// Log-deviations from a layer's numbers, read as log-deviations or log-variances and clamped.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/linalg/gemm.hpp>
#include <limits>

namespace loom {

/// log_std = clamp(scale raw, low, high): scale is 1 where raw is a log-deviation, 1/2 where it is a
/// log-variance. The defaults clamp nothing.
struct LogDeviation {
  float scale = 1.F;
  float low = std::numeric_limits<float>::lowest(), high = std::numeric_limits<float>::max();
};

/// Shapes   raw, log_std: (B, n), any stride; log_std may be raw's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the shapes differ; ConfigError unless low <= high and scale > 0.
/// Source   Fujimoto et al. 2019, the authors' code, whose low and high are -4 and 15.
void log_deviation(Cpu exec, LogDeviation const& how, InRows<float> raw, OutRows<float> log_std);
void log_deviation(Gpu exec, LogDeviation const& how, InRows<float> raw, OutRows<float> log_std);

/// draw = or += dlog_std scale where scale raw lies in [low, high], else 0. draw may be dlog_std's memory.
void log_deviation_backward(Cpu exec, LogDeviation const& how, InRows<float> raw,
                            InRows<float> dlog_std, OutRows<float> draw,
                            Result result = Result::overwrite);
void log_deviation_backward(Gpu exec, LogDeviation const& how, InRows<float> raw,
                            InRows<float> dlog_std, OutRows<float> draw,
                            Result result = Result::overwrite);

}  // namespace loom
