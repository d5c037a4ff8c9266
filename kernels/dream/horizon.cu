#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/horizon.hpp>
#include <kernels/dream/horizon_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

void horizon(Here exec, int steps, float gamma, In<float> logit, In<float> start,
             Out<float> discount, Out<float> weight) {
  char const* const who = "horizon";
  require(steps > 0, who, ": ", steps, " steps (needs 1 or more)");
  require(discount.size % static_cast<std::size_t>(steps) == 0, who, ": discount has ",
          discount.size, " elements (needs a multiple of ", steps, ")");
  std::int64_t const n = static_cast<std::int64_t>(discount.size) / steps;
  check_size(who, "weight", weight.size, n * steps);
  if (logit.size != 0) check_size(who, "logit", logit.size, n * (steps + 1));
  if (start.size != 0) check_size(who, "start", start.size, n);
  launch(exec, static_cast<int>(n),
         Horizon{steps, static_cast<int>(n), gamma, logit, start, discount, weight}, 256);
}

}  // namespace loom
