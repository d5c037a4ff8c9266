#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// log_mean[b] = ln(mean over k of exp(x[b][k])) and mean[b] = mean over k of x[b][k]: of log-weights, the
/// importance-weighted bound and the evidence lower bound. The largest of a row is taken out first, so nothing overflows.
///
/// Shapes   x: (B, K), any stride, K >= 1; log_mean: (B); mean: (B) or empty.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Burda, Grosse, Salakhutdinov 2016, "Importance weighted autoencoders", equation 8.
void log_mean_exp(Cpu exec, InRows<float> x, Out<float> log_mean, Out<float> mean = {});
void log_mean_exp(Gpu exec, InRows<float> x, Out<float> log_mean, Out<float> mean = {});

}  // namespace loom
