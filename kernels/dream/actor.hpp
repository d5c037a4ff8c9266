#pragma once
// Policies that learn in imagination by the score function or the model's gradient: actions, losses, gradients.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// Deviations of bounded normal policies: low + (high - low) sigmoid(s + 2).
struct ActorDeviation {
  float low = 0.1F, high = 1.F;
};

/// action = tanh(m) + deviation epsilon, not clipped; without draws (stream of size 0) tanh(m).
///
/// Shapes   raw: (B, 2 A), m then s; action: (B, A). Any stride.
/// Bits     the same for every machine, row order and batch size.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2023, the authors' code ("bounded_normal").
void actor_normal_sample(Cpu exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                         OutRows<float> action);
void actor_normal_sample(Gpu exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                         OutRows<float> action);

/// draw = the gradient of sum(action daction) + sum(dentropy entropy), the numbers being drawn again; entropy: (B),
/// summed over actions, in nats.
///
/// Shapes   daction: (B, A); dentropy, entropy: (B); draw: (B, 2 A). Any stride.
/// Bits     the same for every machine, row order and batch size.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2023, revision of January 2023 and the authors' code: backpropagation through the dynamics
///          for continuous actions.
void actor_normal_backward(Cpu exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                           InRows<float> daction, In<float> dentropy, OutRows<float> draw,
                           Out<float> entropy);
void actor_normal_backward(Gpu exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                           InRows<float> daction, In<float> dentropy, OutRows<float> draw,
                           Out<float> entropy);

/// The class of the greatest logit as index (B) and one-hot row; the lowest index among equals.
void actor_categorical_mode(Cpu exec, InRows<float> logits, Out<std::int32_t> index,
                            OutRows<float> one_hot);
void actor_categorical_mode(Gpu exec, InRows<float> logits, Out<std::int32_t> index,
                            OutRows<float> one_hot);

/// What the loss is made of, a row each (B); `range` (1) or empty.
struct ActorBatch {
  In<float> returns, baseline, weight, range;
};
struct ActorConfig {
  float entropy = 3e-4F;  ///< coefficient of the entropy bonus
  float unimix = 0.01F;   ///< of categorical policies
  ActorDeviation deviation = {};
};
/// loss and entropy: (B).
struct ActorMetrics {
  Out<float> loss, entropy;
};

/// loss_b = -weight_b (advantage_b log pi(action_b) + entropy H(pi)),
/// advantage_b = (returns_b - baseline_b) / max(1, range); and the gradient of its mean.
///
/// Shapes   logits, dlogits: (B, A), probabilities (1 - unimix) softmax + unimix / A; action: (B).
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models", equation 6.
void actor_categorical_loss(Cpu exec, ActorConfig const& config, InRows<float> logits,
                            In<std::int32_t> action, ActorBatch const& batch,
                            OutRows<float> dlogits, ActorMetrics const& metrics);
void actor_categorical_loss(Gpu exec, ActorConfig const& config, InRows<float> logits,
                            In<std::int32_t> action, ActorBatch const& batch,
                            OutRows<float> dlogits, ActorMetrics const& metrics);

/// The same of bounded normal policies.
///
/// Shapes   raw, draw: (B, 2 A); action: (B, A).
void actor_normal_loss(Cpu exec, ActorConfig const& config, InRows<float> raw, InRows<float> action,
                       ActorBatch const& batch, OutRows<float> draw, ActorMetrics const& metrics);
void actor_normal_loss(Gpu exec, ActorConfig const& config, InRows<float> raw, InRows<float> action,
                       ActorBatch const& batch, OutRows<float> draw, ActorMetrics const& metrics);

}  // namespace loom
