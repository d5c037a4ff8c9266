#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/tanh_actor.hpp>
#include <kernels/dream/tanh_actor_body.hpp>

namespace loom {
namespace {

constexpr int kActorGrain = 256;

/// softplus^-1 of the initial deviation; throws unless everything fits.
float shift_of(char const* who, TanhActor const& a, InRows<float> raw, InRows<float> action) {
  check_actor_rows(who, raw, action);
  require<ConfigError>(a.bound > 0 && a.initial > 0 && a.least >= 0 && a.noise >= 0, who,
                       ": bound ", a.bound, ", deviations ", a.initial, ", ", a.least, ", ",
                       a.noise, " (needs positive ones)");
  return static_cast<float>(std::log(std::expm1(static_cast<double>(a.initial))));
}

}  // namespace

void tanh_actor_sample(Here exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                       OutRows<float> action) {
  char const* const who = "tanh_actor_sample";
  float const shift = shift_of(who, actor, raw, action);
  if (draws.stream.size != 0) check_draws(who, draws, raw.rows);
  launch(exec, raw.rows, DrawActions<TanhPolicy>{{actor, shift}, raw, draws, action}, kActorGrain);
}

void tanh_actor_backward(Here exec, TanhActor const& actor, InRows<float> raw, RowDraws draws,
                         InRows<float> daction, OutRows<float> draw) {
  char const* const who = "tanh_actor_backward";
  float const shift = shift_of(who, actor, raw, daction);
  require<ConfigError>(actor.noise == 0, who, ": noise ", actor.noise, " (needs 0)");
  check_actor_backward(who, raw, draws, daction, draw);
  launch(exec, raw.rows, TanhActorBackward{actor, shift, raw, draws, daction, draw}, kActorGrain);
}

}  // namespace loom
