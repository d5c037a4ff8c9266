#pragma once
// Policies that learn through the model's gradient: normal distributions cut at the ends of the space.
#include <kernels/core/exec.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// action ~ N(tanh(m), (2 sigmoid(s / 2) + 0.1)^2) within [-1, 1], by inverse distribution function of one uniform
/// number an action; clipped to 1 - 1e-6. Without draws (stream of size 0) tanh(m), the mode.
///
/// Shapes   raw: (B, 2 A), m then s; action: (B, A). Any stride.
/// Bits     the same for every machine, row order and batch size.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2021, "Mastering Atari with discrete world models", the authors' code.
void truncated_actor_sample(Cpu exec, InRows<float> raw, RowDraws draws, OutRows<float> action);
void truncated_actor_sample(Gpu exec, InRows<float> raw, RowDraws draws, OutRows<float> action);

/// draw = the gradient of sum(action daction) + sum(dentropy entropy), the numbers being drawn again and the clip
/// passed straight through; entropy: (B), summed over actions, in nats.
///
/// Shapes   daction: (B, A); dentropy, entropy: (B); draw: (B, 2 A).
/// Source   Figurnov, Mohamed, Mnih 2018, "Implicit reparameterization gradients".
void truncated_actor_backward(Cpu exec, InRows<float> raw, RowDraws draws, InRows<float> daction,
                              In<float> dentropy, OutRows<float> draw, Out<float> entropy);
void truncated_actor_backward(Gpu exec, InRows<float> raw, RowDraws draws, InRows<float> daction,
                              In<float> dentropy, OutRows<float> draw, Out<float> entropy);

}  // namespace loom
