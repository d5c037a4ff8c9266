#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/actor.hpp>
#include <kernels/dream/actor_body.hpp>

namespace loom {
namespace {

constexpr int kActorGrain = 256;

void fits(char const* who, ActorBatch const& b, ActorMetrics const& m, int rows) {
  check_size(who, "returns", b.returns.size, rows);
  check_size(who, "baseline", b.baseline.size, rows);
  check_size(who, "weight", b.weight.size, rows);
  require(b.range.size <= 1, who, ": range has ", b.range.size, " elements (needs 1 or none)");
  check_size(who, "loss", m.loss.size, rows);
  check_size(who, "entropy", m.entropy.size, rows);
}

}  // namespace

void actor_normal_sample(Here exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                         OutRows<float> action) {
  char const* const who = "actor_normal_sample";
  check_actor_rows(who, raw, action);
  if (draws.stream.size != 0) check_draws(who, draws, raw.rows);
  launch(exec, raw.rows, DrawActions<BoundedNormalPolicy>{{deviation}, raw, draws, action},
         kActorGrain);
}

void actor_normal_backward(Here exec, ActorDeviation deviation, InRows<float> raw, RowDraws draws,
                           InRows<float> daction, In<float> dentropy, OutRows<float> draw,
                           Out<float> entropy) {
  char const* const who = "actor_normal_backward";
  check_actor_backward(who, raw, draws, daction, draw);
  check_size(who, "dentropy", dentropy.size, raw.rows);
  check_size(who, "entropy", entropy.size, raw.rows);
  launch(exec, raw.rows,
         ActorNormalBackward{deviation, raw, draws, daction, dentropy, draw, entropy}, kActorGrain);
}

void actor_categorical_mode(Here exec, InRows<float> logits, Out<std::int32_t> index,
                            OutRows<float> one_hot) {
  check_rows("actor_categorical_mode", logits, one_hot);
  check_size("actor_categorical_mode", "index", index.size, logits.rows);
  launch(exec, logits.rows, ActorCategoricalMode{logits, index, one_hot}, kActorGrain);
}

void actor_categorical_loss(Here exec, ActorConfig const& config, InRows<float> logits,
                            In<std::int32_t> action, ActorBatch const& batch,
                            OutRows<float> dlogits, ActorMetrics const& metrics) {
  char const* const who = "actor_categorical_loss";
  check_rows(who, logits, dlogits);
  check_size(who, "action", action.size, logits.rows);
  fits(who, batch, metrics, logits.rows);
  launch(exec, logits.rows, ActorCategoricalLoss{config, logits, action, batch, dlogits, metrics},
         kActorGrain);
}

void actor_normal_loss(Here exec, ActorConfig const& config, InRows<float> raw,
                       InRows<float> action, ActorBatch const& batch, OutRows<float> draw,
                       ActorMetrics const& metrics) {
  char const* const who = "actor_normal_loss";
  check_actor_rows(who, raw, action);
  check_rows(who, raw, draw);
  fits(who, batch, metrics, raw.rows);
  launch(exec, raw.rows, ActorNormalLoss{config, raw, action, batch, draw, metrics}, kActorGrain);
}

}  // namespace loom
