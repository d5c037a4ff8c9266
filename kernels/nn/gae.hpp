#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/nn/gae_body.hpp>

namespace loom {

/// Generalised advantage estimation with exact bootstrapping at time limits:
/// delta_t = r_t + gamma V' - V_t, A_t = delta_t + gamma lambda A_{t+1}, return_t = A_t + V_t. V'
/// is 0 where step t terminated, final_value[t] where it was truncated and not terminated, else
/// V_{t+1}; both flags cut the recursion. With reward_scale, r_t is clip(r_t * scale,
/// +-reward_limit).
///
/// Shapes   reward, value, terminated, truncated, advantage, returns: [T][N/64][64]; next_value:
/// [N/64][64];
///          final_value: [T][N/64][64], read where truncated; empty if bootstrap_truncated is off.
///          reward_scale: one word, or empty. advantage may alias reward, returns may alias value.
/// Errors   ShapeError if sizes differ, final_value is missing or N is no multiple of 64.
/// Bits     the same for every machine and lane width.
/// Source   Schulman et al. 2016, "High-dimensional continuous control using GAE", equation 16;
///          Pardo et al. 2018, "Time limits in reinforcement learning".
void gae(Cpu exec, int steps, GaeInput in, GaeConfig config, Out<float> advantage,
         Out<float> returns);
void gae(Gpu exec, int steps, GaeInput in, GaeConfig config, Out<float> advantage,
         Out<float> returns);

}  // namespace loom
