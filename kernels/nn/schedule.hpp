#pragma once
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// rate[0] = base * max(0, 1 - count[0] / horizon), or base when horizon is 0; then count[0] += 1.
/// Counter and rate live in device memory, so a captured graph anneals as it is replayed.
///
/// Shapes   count, rate: (1).
/// Errors   ShapeError if the sizes differ; ConfigError if horizon is negative.
void linear_schedule(Cpu exec, float base, float horizon, Out<std::uint32_t> count,
                     Out<float> rate);
void linear_schedule(Gpu exec, float base, float horizon, Out<std::uint32_t> count,
                     Out<float> rate);

/// rate[0] = base * min(1, count[0] / steps), or base when steps is 0; then count[0] += 1.
void warm_up(Cpu exec, float base, float steps, Out<std::uint32_t> count, Out<float> rate);
void warm_up(Gpu exec, float base, float steps, Out<std::uint32_t> count, Out<float> rate);

/// count[0] += 1: which epoch, which step of a replayed graph.
void advance(Cpu exec, Out<std::uint32_t> count);
void advance(Gpu exec, Out<std::uint32_t> count);

}  // namespace loom
