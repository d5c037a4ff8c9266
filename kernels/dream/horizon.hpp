#pragma once
// How much an imagined step still counts: the probability that its episode goes on until then.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Which state an imagined reward counts with.
enum class RewardTiming {
  arrival,    ///< the one it leads to (version 3)
  departure,  ///< the one it is predicted from (versions 1 and 2)
};

/// Of H + 1 imagined states of N trajectories, with c_t = gamma sigmoid(continue logit of state t), or gamma
/// without logits, and t < H:
///                arrival          departure
///   discount_t   c_{t+1}          c_t                what multiplies everything after the reward of step t
///   weight_t     c_0..c_t/gamma   c_0..c_{t-1}       of the losses at state t; weight_0 = 1 by departure
/// with `start`, start_n stands for sigmoid(logit) of the first state: it is known there (version 2).
///
/// Shapes   logit: [H + 1][N] or empty; start: (N) or empty; discount, weight: [H][N].
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2021, equation 4; 2023, equation 5 and the authors' code.
void horizon(Cpu exec, int steps, RewardTiming timing, float gamma, In<float> logit,
             In<float> start, Out<float> discount, Out<float> weight);
void horizon(Gpu exec, int steps, RewardTiming timing, float gamma, In<float> logit,
             In<float> start, Out<float> discount, Out<float> weight);

/// dlogit = the gradient of sum(discount ddiscount), overwritten; weights are constants. 0 for states no discount
/// belongs to: by arrival the first, by departure the last, and the first with `start` (whose size alone counts).
///
/// Shapes   logit, dlogit: [H + 1][N]; start: (N) or empty; ddiscount: [H][N]. dlogit may be logit's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
void horizon_backward(Cpu exec, int steps, RewardTiming timing, float gamma, In<float> logit,
                      In<float> start, In<float> ddiscount, Out<float> dlogit);
void horizon_backward(Gpu exec, int steps, RewardTiming timing, float gamma, In<float> logit,
                      In<float> start, In<float> ddiscount, Out<float> dlogit);

}  // namespace loom
