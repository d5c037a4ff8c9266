#pragma once
// How much an imagined step still counts: the probability that its episode goes on until then.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Of H + 1 imagined states of N trajectories, with c_t = gamma sigmoid(continue logit of state t), or gamma
/// without logits:
///   discount_t = c_{t+1}, what multiplies everything after the step from state t to t + 1;
///   weight_t   = c_0 ... c_t / gamma, t < H, of the losses at state t;
/// with `start`, start_n stands for sigmoid(logit) of the first state: it is known there (version 2).
///
/// Shapes   logit: [H + 1][N] or empty; start: (N) or empty; discount, weight: [H][N].
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2021, equation 4; 2023, equation 5 and the authors' code.
void horizon(Cpu exec, int steps, float gamma, In<float> logit, In<float> start,
             Out<float> discount, Out<float> weight);
void horizon(Gpu exec, int steps, float gamma, In<float> logit, In<float> start,
             Out<float> discount, Out<float> weight);

}  // namespace loom
