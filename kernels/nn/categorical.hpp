#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// Categorical distributions, one a row of logits; log p_k = logit_k - log sum_j exp(logit_j),
/// computed stably. A masked class has logit -inf or far below the others; it is never drawn.
///
/// Shapes   logits: [B][A], any stride, A >= 1 and B * stride < 2^31; everything else (B).
/// Units    log-probabilities and entropies in nats; actions in [0, A).
/// Errors   ShapeError if shapes differ or there is no class.
/// Bits     the same for every machine, lane width, row order and batch size.

void categorical_log_prob(Cpu exec, InRows<float> logits, In<std::int32_t> action,
                          Out<float> log_prob);
void categorical_log_prob(Gpu exec, InRows<float> logits, In<std::int32_t> action,
                          Out<float> log_prob);

void categorical_entropy(Cpu exec, InRows<float> logits, Out<float> entropy);
void categorical_entropy(Gpu exec, InRows<float> logits, Out<float> entropy);

/// Draws by inverse CDF from word 0 of each row's numbers. log_prob, of the drawn action, may be
/// empty.
void categorical_sample(Cpu exec, InRows<float> logits, RowDraws draws, Out<std::int32_t> action,
                        Out<float> log_prob = {});
void categorical_sample(Gpu exec, InRows<float> logits, RowDraws draws, Out<std::int32_t> action,
                        Out<float> log_prob = {});

/// The most probable class; the lowest index among equals.
void categorical_greedy(Cpu exec, InRows<float> logits, Out<std::int32_t> action);
void categorical_greedy(Gpu exec, InRows<float> logits, Out<std::int32_t> action);

}  // namespace loom
