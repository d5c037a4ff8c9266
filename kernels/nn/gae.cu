#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/gae.hpp>

namespace loom {

void gae(Here exec, int steps, GaeInput in, GaeConfig config, Out<float> advantage,
         Out<float> returns) {
  auto const n = in.next_value.size;
  require(steps >= 0 && n % kTile == 0, "gae: ", steps, " steps of ", n,
          " instances (needs whole tiles of 64)");
  auto const check = [&](char const* what, std::size_t size) {
    require(size == n * static_cast<std::size_t>(steps), "gae: ", what, " has ", size,
            " elements (needs ", steps, " * ", n, ")");
  };
  check("reward", in.reward.size);
  check("value", in.value.size);
  check("terminated", in.terminated.size);
  check("truncated", in.truncated.size);
  if (config.bootstrap_truncated) check("final_value", in.final_value.size);
  check("advantage", advantage.size);
  check("returns", returns.size);
  require(in.reward_scale.size <= 1, "gae: ", in.reward_scale.size,
          " reward scales (needs one or none)");
  launch(exec, static_cast<int>(n), Gae{in, config, steps, static_cast<int>(n), advantage, returns},
         kTile);
}

}  // namespace loom
