#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/schedule.hpp>
#include <kernels/nn/schedule_body.hpp>

namespace loom {

void linear_schedule(Here exec, float base, float horizon, Out<std::uint32_t> count,
                     Out<float> rate) {
  require(count.size == 1 && rate.size == 1, "schedule: ", count.size, " counters, ", rate.size,
          " rates (needs 1)");
  require<ConfigError>(horizon >= 0, "schedule: the horizon is ", horizon, " (needs 0 or more)");
  launch_scalar(exec, 1, LinearSchedule{base, horizon, count.data, rate.data});
}

void warm_up(Here exec, float base, float steps, Out<std::uint32_t> count, Out<float> rate) {
  require(count.size == 1 && rate.size == 1, "warm_up: ", count.size, " counters, ", rate.size,
          " rates (needs 1)");
  require<ConfigError>(steps >= 0, "warm_up: ", steps, " steps (needs 0 or more)");
  launch_scalar(exec, 1, WarmUp{base, steps, count.data, rate.data});
}

void advance(Here exec, Out<std::uint32_t> count) {
  require(count.size == 1, "advance: ", count.size, " counters (needs 1)");
  launch_scalar(exec, 1, Advance{count.data});
}

}  // namespace loom
