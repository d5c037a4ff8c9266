#pragma once
// Deviations from unbounded numbers: what a Gaussian's head says of its spread.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// log_std = log(softplus(raw) + least).
///
/// Shapes   raw, log_std: (B, n), any stride; log_std may be raw's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the shapes differ or least is negative.
/// Source   Hafner et al. 2020, "Dream to control", the authors' code.
void deviation(Cpu exec, float least, InRows<float> raw, OutRows<float> log_std);
void deviation(Gpu exec, float least, InRows<float> raw, OutRows<float> log_std);

/// draw = dlog_std d log_std / d raw; draw may be dlog_std's memory.
void deviation_backward(Cpu exec, float least, InRows<float> raw, InRows<float> dlog_std,
                        OutRows<float> draw);
void deviation_backward(Gpu exec, float least, InRows<float> raw, InRows<float> dlog_std,
                        OutRows<float> draw);

}  // namespace loom
