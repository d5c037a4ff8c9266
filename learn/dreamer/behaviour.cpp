#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/reduce.hpp>
#include <learn/dreamer/behaviour.hpp>

namespace loom {
namespace {

BehaviourShape const& checked(BehaviourShape const& shape) {
  shape.check();
  return shape;
}

}  // namespace

Behaviour::Behaviour(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
                     Parameters& world, Parameters& actor, Parameters& critic,
                     Parameters& slow_critic)
    : shape_(checked(shape)),
      starts_(sequences * steps),
      trajectories_(exec, shape, starts_, world, actor),
      returns_(exec, shape, sequences, steps, world, critic, slow_critic),
      losses_(zeros<float>(exec, static_cast<std::size_t>(BehaviourLoss::count))),
      actor_loss_(exec, elements(shape.horizon, starts_)),
      entropy_(zeros<float>(exec, elements(shape.horizon, starts_))),
      dpolicy_(zeros<float>(exec, shape.through_model()
                                      ? 0
                                      : elements(shape.horizon * starts_, shape.actor_outputs()))),
      dentropy_(zeros<float>(exec, elements(shape.through_model() ? shape.horizon : 0, starts_))),
      dreturn_(zeros<float>(exec, elements(shape.through_model() ? shape.times() : 0, starts_))),
      dvalue_(exec, elements(shape.through_model() && arrival() ? shape.times() : 0, starts_)),
      dfeature_(zeros<float>(exec, shape.through_model() ? elements(starts_ * shape.states(),
                                                                    shape.world.rssm.feature())
                                                         : 0)),
      workspace_(exec, reduce_workspace(elements(shape.horizon, starts_))) {}

void Behaviour::learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
                      RowDraws const& draws, OutRows<float> dfeature) {
  trajectories_.imagine(exec, feature, draws);
  returns_.judge(exec, trajectories_.states(), batch);
  returns_.learn_critic(exec, batch, dfeature);
  if (shape_.through_model())
    learn_through_model(exec, draws);
  else
    learn_by_score(exec);
  returns_.totals(exec, loss(BehaviourLoss::returns), loss(BehaviourLoss::values),
                  loss(BehaviourLoss::critic), loss(BehaviourLoss::replay_critic));
}

void Behaviour::learn_by_score(Exec const& exec) {
  int const outputs = shape_.actor_outputs(), actions = shape_.world.rssm.actions;
  int const rows = starts_ * chosen();
  auto const n = static_cast<std::size_t>(rows);
  // Of actions that lead to no return: 0 from the start.
  OutRows<float> const dpolicy(dpolicy_.data(), rows, outputs);
  ActorBatch const batch{led_to(returns_.returns()), returns_.values().slice(0, n),
                         returns_.weight().slice(0, n),
                         In<float>(returns_.range()).slice(0, shape_.scale_returns ? 1 : 0)};
  ActorMetrics const metrics{actor_loss_.out().slice(0, n), entropy_.out().slice(0, n)};
  InRows<float> const policy(trajectories_.policy().data, rows, outputs);
  visit(exec, [&](auto e) {
    if (shape_.policy == BehaviourShape::Policy::categorical)
      actor_categorical_loss(e, shape_.actor, policy, trajectories_.index().slice(0, n), batch,
                             dpolicy, metrics);
    else
      actor_normal_loss(e, shape_.actor, policy, {trajectories_.action().data, rows, actions},
                        batch, dpolicy, metrics);
    sum(e, metrics.loss, loss(BehaviourLoss::actor), workspace_.out());
    sum(e, metrics.entropy, loss(BehaviourLoss::entropy), workspace_.out());
  });
  trajectories_.learn_policy(exec, {dpolicy_.data(), starts_ * shape_.horizon, outputs});
}

// The mean over chosen actions of -weight (advantage + entropy), the advantage being the return, or with
// arrival the return less the value, both with their gradient.
void Behaviour::learn_through_model(Exec const& exec, RowDraws const& draws) {
  std::size_t const n = elements(chosen(), starts_);
  float const share = -1.F / static_cast<float>(n);
  In<float> const weight = returns_.weight().slice(0, n);
  visit(exec, [&](auto e) {
    affine(e, share * shape_.actor.entropy, 0.F, weight, dentropy_.out().slice(0, n));
    Out<float> const to = led_to(dreturn_.out());
    if (shape_.scale_returns)
      by_return_range(e, share, returns_.range(), weight, to);
    else
      affine(e, share, 0.F, weight, to);
    if (arrival()) affine(e, -1.F, 0.F, dreturn_.in(), dvalue_.out());
  });
  int const f = shape_.world.rssm.feature(), first = starts_ * shape_.first();
  OutRows<float> const all(dfeature_.data(), static_cast<int>(dfeature_.size()) / f, f);
  returns_.backward(exec, dreturn_.in(), dvalue_.in(), {all.row(first), all.rows - first, f});
  trajectories_.learn_policy(exec, draws, {all.data, starts_ * (shape_.horizon + 1), f},
                             dentropy_.in(), entropy_.out());
  visit(exec,
        [&](auto e) { sum(e, entropy_.in(), loss(BehaviourLoss::entropy), workspace_.out()); });
}

}  // namespace loom
