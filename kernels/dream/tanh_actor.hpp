#pragma once
// Policies that learn through the model's gradient: squashed Gaussians, reparameterised.
#include <kernels/core/exec.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// action = tanh(mean + deviation epsilon), mean = bound tanh(m / bound),
/// deviation = softplus(s + softplus^-1(initial)) + least. With `noise`, N(0, noise^2) is added and the sum clipped
/// to [-1, 1]: exploration, through which no gradient goes.
struct TanhActor {
  float bound = 5.F, initial = 5.F, least = 1e-4F;
  float noise = 0.F;
};

/// Number k of a row takes its k-th normal number, with noise the 2k-th and the next. Without draws (stream of
/// size 0) tanh(mean).
///
/// Shapes   raw: (B, 2 A), m then s; action: (B, A). Any stride.
/// Bits     the same for every machine, row order and batch size.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2020, "Dream to control", section 3 and the authors' code.
void tanh_actor_sample(Cpu exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                       OutRows<float> action);
void tanh_actor_sample(Gpu exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                       OutRows<float> action);

/// draw = the gradient of sum(action daction); the numbers are drawn again. ConfigError with noise.
///
/// Shapes   daction: (B, A); draw: (B, 2 A).
void tanh_actor_backward(Cpu exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                         InRows<float> daction, OutRows<float> draw);
void tanh_actor_backward(Gpu exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                         InRows<float> daction, OutRows<float> draw);

}  // namespace loom
