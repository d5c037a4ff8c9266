#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/truncated_actor.hpp>
#include <kernels/dream/truncated_actor_body.hpp>

namespace loom {
namespace {

constexpr int kActorGrain = 256;

}  // namespace

void truncated_actor_sample(Here exec, InRows<float> raw, RowDraws draws, OutRows<float> action) {
  char const* const who = "truncated_actor_sample";
  check_actor_rows(who, raw, action);
  if (draws.stream.size != 0) check_draws(who, draws, raw.rows);
  launch(exec, raw.rows, DrawActions<TruncatedPolicy>{{}, raw, draws, action}, kActorGrain);
}

void truncated_actor_backward(Here exec, InRows<float> raw, RowDraws draws, InRows<float> daction,
                              In<float> dentropy, OutRows<float> draw, Out<float> entropy) {
  char const* const who = "truncated_actor_backward";
  check_actor_backward(who, raw, draws, daction, draw);
  check_size(who, "dentropy", dentropy.size, raw.rows);
  check_size(who, "entropy", entropy.size, raw.rows);
  launch(exec, raw.rows, TruncatedActorBackward{raw, draws, daction, dentropy, draw, entropy},
         kActorGrain);
}

}  // namespace loom
