#include <kernels/dream/carry.hpp>
#include <kernels/dream/horizon.hpp>
#include <kernels/dream/lambda_return.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/reduce.hpp>
#include <learn/dreamer/reinforce.hpp>

namespace loom {
ReinforceBehaviour::ReinforceBehaviour(Exec const& exec, BehaviourShape const& shape, int sequences,
                                       int steps, Parameters& world, Parameters& actor,
                                       Parameters& critic, Parameters& slow_critic)
    : Behaviour(exec),
      shape_(shape),
      sequences_(sequences),
      steps_(steps),
      starts_(sequences * steps),
      recurrence_(make_recurrence(exec, shape.world.rssm, starts_, 1, world, "recurrence", false)),
      latents_(exec, shape.world.rssm.latents, starts_),
      prior_(exec, shape.world.rssm.prior(), starts_, 1, world, "prior", false),
      reward_(exec, shape.world.reward(), starts_ * (shape.horizon + 1), 1, world, "reward", false),
      actor_(exec, shape.actor_stack(), actor_rows(exec, shape, starts_),
             starts_ * shape.horizon / actor_rows(exec, shape, starts_), actor, "actor"),
      critic_(exec, shape.critic_stack(), starts_ * (shape.horizon + 2), 1, critic, "critic"),
      slow_critic_(exec, shape.critic_stack(), starts_ * (shape.horizon + 2), 1, slow_critic,
                   "critic", false),
      rewards_(exec, shape.world.scalars, starts_ * (shape.horizon + 1)),
      values_(exec, shape.world.scalars, starts_ * (shape.horizon + 2)),
      // Libraries may read what lies between the rows of h: defined from the start.
      feature_(
          zeros<float>(exec, elements(starts_ * (shape.horizon + 2), shape.world.rssm.feature()))),
      action_(exec, elements(starts_ * shape.horizon, shape.world.rssm.actions)),
      before_a_(exec, elements(starts_, shape.world.rssm.actions)),
      no_first_(zeros<float>(exec, count(1))),
      index_(exec, count(shape.horizon)),
      imagined_reward_(exec, count(shape.horizon + 1)),
      value_(exec, count(shape.horizon + 2)),
      slow_value_(exec, count(shape.horizon + 2)),
      discount_(exec, count(shape.horizon)),
      weight_(exec, count(shape.horizon)),
      target_(zeros<float>(exec, count(shape.horizon + 2))),
      dloss_(zeros<float>(exec, count(shape.horizon + 2))),
      critic_loss_(exec, count(shape.horizon + 2)),
      dcritic_(exec, elements(starts_ * (shape.horizon + 2), shape.world.scalars.outputs())),
      dactor_(exec, elements(starts_ * shape.horizon, shape.actor_outputs())),
      actor_loss_(exec, count(shape.horizon)),
      entropy_(exec, count(shape.horizon)),
      workspace_(exec, visit(exec, [&](auto e) {
                   auto const n = static_cast<int>(count(shape.horizon));
                   return std::max(return_range_workspace(e, n),
                                   reduce_workspace(count(shape.horizon + 2)));
                 })) {
  if (Imagination::serves(exec, shape)) imagination_.emplace(exec, shape, world, actor);
  if (shape.world.continues)
    continue_.emplace(exec, shape.world.goes_on(), starts_ * (shape.horizon + 1), 1, world,
                      "continue", false);
}

OutRows<float> ReinforceBehaviour::slab(int t) {
  int const f = shape_.world.rssm.feature();
  return {feature_.data() + elements(t * starts_, f), starts_, f};
}

std::size_t ReinforceBehaviour::count(int times) const { return elements(times, starts_); }

void ReinforceBehaviour::learn(Exec const& exec, InRows<float> feature,
                               SequenceReplay::Records const& batch, RowDraws const& draws,
                               OutRows<float> dfeature) {
  imagine(exec, feature, draws);
  value_targets(exec, batch);
  critic_gradient(exec, batch, dfeature);
  actor_gradient(exec);
}

void ReinforceBehaviour::imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  int const horizon = shape_.horizon, rows = starts_ * horizon;
  In<float> const recorded(feature.data, elements(starts_, r.feature()));
  copy(exec, recorded, Out<float>(slab(horizon + 1).data, recorded.size));
  if (!imagination_) {
    copy(exec, recorded, Out<float>(slab(0).data, recorded.size));
    return imagine_layer_by_layer(exec, draws);
  }
  Out<std::int32_t> const index =
      shape_.policy == BehaviourShape::Policy::categorical ? index_.out() : Out<std::int32_t>();
  imagination_->run(exec, feature, draws,
                    {{feature_.data(), rows + starts_, r.feature()},
                     {action_.data(), rows, r.actions},
                     index,
                     nullptr});
  // Its layers again, all steps at once: what the actor's gradient needs.
  actor_.forward(exec, 0, {{feature_.data(), rows, r.feature()}});
}

void ReinforceBehaviour::imagine_layer_by_layer(Exec const& exec, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  int const horizon = shape_.horizon;
  auto const part = [&](int k) {
    return RowDraws{draws.seed, draws.stream.slice(count(k), count(1)), draws.tick};
  };
  OutRows<float> const before_a(before_a_.data(), starts_, r.actions);
  for (int t = 0; t < horizon; ++t) {
    OutRows<float> const now = slab(t), next = slab(t + 1);
    OutRows<float> const action(action_.data() + elements(t * starts_, r.actions), starts_,
                                r.actions);
    draw_action(exec, shape_, actor_.forward(exec, t, {now}), {}, part(t), action,
                index_.out().slice(count(t), count(1)));
    visit(exec, [&](auto e) { carry_action(e, no_first_.in(), action, before_a); });
    recurrence_->forward(exec, 0, h_of(r, now), z_of(r, now), before_a, h_of(r, next));
    latents_.sample(exec, prior_.forward(exec, 0, {h_of(r, next)}), part(horizon + t),
                    z_of(r, next));
  }
}

// R_t of every imagined state, and of the records with R_0 of the state after each as what comes then.
void ReinforceBehaviour::value_targets(Exec const& exec, SequenceReplay::Records const& batch) {
  int const horizon = shape_.horizon, f = shape_.world.rssm.feature();
  InRows<float> const imagined(feature_.data(), starts_ * (horizon + 1), f),
      all(feature_.data(), starts_ * (horizon + 2), f);
  InRows<float> const reward = reward_.forward(exec, 0, {imagined}),
                      value = critic_.forward(exec, 0, {all}),
                      slow = slow_critic_.forward(exec, 0, {all});
  auto const b = static_cast<std::size_t>(sequences_);
  std::size_t const recorded = count(1) - b;
  rewards_.mean(exec, reward, imagined_reward_.out());
  values_.mean(exec, value, value_.out());
  values_.mean(exec, slow, slow_value_.out());
  In<float> going_on;
  if (continue_) going_on = {continue_->forward(exec, 0, {imagined}).data, count(horizon + 1)};
  visit(exec, [&](auto e) {
    loom::horizon(e, horizon, RewardTiming::arrival, shape_.gamma, going_on, {}, discount_.out(),
                  weight_.out());
    lambda_return(e, horizon, shape_.lambda,
                  {imagined_reward_.in().slice(count(1), count(horizon)), discount_.in(),
                   value_.in().slice(0, count(horizon + 1))},
                  target_.out().slice(0, count(horizon)));
    update_return_range(e, shape_.range, target_.in().slice(0, count(horizon)), range_.out(),
                        workspace_.out());
    lambda_return(e, steps_ - 1, shape_.lambda,
                  {batch.reward.slice(b, recorded), batch.goes_on.slice(b, recorded),
                   target_.in().slice(0, count(1)), batch.last.slice(b, recorded)},
                  target_.out().slice(count(horizon + 1), recorded));
    sum(e, target_.in().slice(0, count(horizon)), loss(BehaviourLoss::returns), workspace_.out());
    sum(e, value_.in().slice(0, count(horizon)), loss(BehaviourLoss::values), workspace_.out());
  });
}

void ReinforceBehaviour::critic_gradient(Exec const& exec, SequenceReplay::Records const& batch,
                                         OutRows<float> dfeature) {
  int const horizon = shape_.horizon, f = shape_.world.rssm.feature();
  std::size_t const recorded = count(1) - static_cast<std::size_t>(sequences_);
  Out<float> const imagined = dloss_.out().slice(0, count(horizon)),
                   record = dloss_.out().slice(count(horizon + 1), recorded);
  OutRows<float> const dcritic(dcritic_.data(), starts_ * (horizon + 2),
                               shape_.world.scalars.outputs());
  float const share = shape_.replay_loss / static_cast<float>(recorded);
  visit(exec, [&](auto e) {
    affine(e, 1.F / static_cast<float>(imagined.size), 0.F, weight_.in(), imagined);
    affine(e, -share, share, batch.last.slice(0, recorded), record);
  });
  values_.loss(exec, critic_.output(), target_.in(), critic_loss_.out());
  values_.backward(exec, critic_.output(), target_.in(), dloss_.in(), dcritic);
  values_.backward(exec, critic_.output(), slow_value_.in(), dloss_.in(), dcritic, Result::add);
  visit(exec, [&](auto e) {
    sum(e, critic_loss_.in().slice(0, count(horizon)), loss(BehaviourLoss::critic),
        workspace_.out());
    sum(e, critic_loss_.in().slice(count(horizon + 1), recorded),
        loss(BehaviourLoss::replay_critic), workspace_.out());
  });
  critic_.backward(exec, 0, dcritic, {{dfeature}});
  critic_.weight_gradient(exec, {{feature_.data(), starts_ * (horizon + 2), f}});
}

void ReinforceBehaviour::actor_gradient(Exec const& exec) {
  int const horizon = shape_.horizon, outputs = shape_.actor_outputs();
  int const rows = starts_ * horizon, actions = shape_.world.rssm.actions;
  OutRows<float> const dactor(dactor_.data(), rows, outputs);
  ActorBatch const batch{target_.in().slice(0, count(horizon)),
                         value_.in().slice(0, count(horizon)), weight_.in(),
                         range_.in().slice(0, shape_.scale_returns ? 1 : 0)};
  ActorMetrics const metrics{actor_loss_.out(), entropy_.out()};
  visit(exec, [&](auto e) {
    if (shape_.policy == BehaviourShape::Policy::categorical)
      actor_categorical_loss(e, shape_.actor, actor_.output(), index_.in(), batch, dactor, metrics);
    else
      actor_normal_loss(e, shape_.actor, actor_.output(), {action_.data(), rows, actions}, batch,
                        dactor, metrics);
    sum(e, actor_loss_.in(), loss(BehaviourLoss::actor), workspace_.out());
    sum(e, entropy_.in(), loss(BehaviourLoss::entropy), workspace_.out());
  });
  int const together = imagination_ ? rows : starts_;
  for (int t = 0; t * together < rows; ++t)
    actor_.backward(exec, t, {dactor.row(t * together), together, outputs});
  actor_.weight_gradient(exec, {{feature_.data(), rows, shape_.world.rssm.feature()}});
}

}  // namespace loom
