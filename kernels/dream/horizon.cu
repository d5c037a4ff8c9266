#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/horizon.hpp>
#include <kernels/dream/horizon_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

constexpr int kHorizonGrain = 256;

/// Trajectories of as many discounts; throws unless they divide.
std::int64_t trajectories_of(char const* who, char const* what, int steps, std::size_t discounts) {
  require(steps > 0, who, ": ", steps, " steps (needs 1 or more)");
  require(discounts % static_cast<std::size_t>(steps) == 0, who, ": ", what, " has ", discounts,
          " elements (needs a multiple of ", steps, ")");
  return static_cast<std::int64_t>(discounts) / steps;
}

/// The state whose probability of going on is the first discount.
int first_of(RewardTiming timing) { return timing == RewardTiming::arrival ? 1 : 0; }

}  // namespace

void horizon(Here exec, int steps, RewardTiming timing, float gamma, In<float> logit,
             In<float> start, Out<float> discount, Out<float> weight) {
  char const* const who = "horizon";
  std::int64_t const n = trajectories_of(who, "discount", steps, discount.size);
  check_size(who, "weight", weight.size, n * steps);
  if (logit.size != 0) check_size(who, "logit", logit.size, n * (steps + 1));
  if (start.size != 0) check_size(who, "start", start.size, n);
  launch(
      exec, static_cast<int>(n),
      Horizon{steps, static_cast<int>(n), first_of(timing), gamma, logit, start, discount, weight},
      kHorizonGrain);
}

void horizon_backward(Here exec, int steps, RewardTiming timing, float gamma, In<float> logit,
                      In<float> start, In<float> ddiscount, Out<float> dlogit) {
  char const* const who = "horizon_backward";
  std::int64_t const n = trajectories_of(who, "ddiscount", steps, ddiscount.size);
  check_size(who, "logit", logit.size, n * (steps + 1));
  if (start.size != 0) check_size(who, "start", start.size, n);
  check_size(who, "dlogit", dlogit.size, n * (steps + 1));
  launch(exec, static_cast<int>(n),
         HorizonBackward{steps, static_cast<int>(n), first_of(timing), gamma, start.size != 0,
                         logit, ddiscount, dlogit},
         kHorizonGrain);
}

}  // namespace loom
