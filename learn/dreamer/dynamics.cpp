#include <kernels/dream/horizon.hpp>
#include <kernels/dream/lambda_return.hpp>
#include <kernels/linalg/accumulate.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/reduce.hpp>
#include <learn/dreamer/dynamics.hpp>

namespace loom {
namespace {

BehaviourShape checked(BehaviourShape const& s) {
  require<ConfigError>(
      s.policy == BehaviourShape::Policy::tanh_normal ||
          s.policy == BehaviourShape::Policy::truncated_normal,
      "dreamer: gradient dynamics needs continuous actions and policy tanh_normal or "
      "truncated_normal");
  require<ConfigError>(s.world.scalars.kind == ScalarsShape::Kind::normal,
                       "dreamer: gradient dynamics needs heads normal");
  require<ConfigError>(!s.world.continues, "dreamer: gradient dynamics needs continues = false");
  require<ConfigError>(s.horizon > 1, "dreamer: gradient dynamics needs a horizon of 2 or more");
  return s;
}

}  // namespace

DynamicsBehaviour::DynamicsBehaviour(Exec const& exec, BehaviourShape const& shape, int starts,
                                     Parameters& world, Parameters& actor, Parameters& critic,
                                     Parameters& slow_critic)
    : Behaviour(exec),
      shape_(checked(shape)),
      starts_(starts),
      recurrence_(
          make_recurrence(exec, shape.world.rssm, starts, shape.horizon, world, "recurrence")),
      latents_(exec, shape.world.rssm.latents, starts),
      prior_(exec, shape.world.rssm.prior(), starts, shape.horizon, world, "prior"),
      reward_(exec, shape.world.reward(), starts * (times() + 1), 1, world, "reward"),
      actor_(exec, shape.actor_stack(), starts, shape.horizon, actor, "actor"),
      critic_(exec, shape.critic_stack(), starts * (times() + 1), 1, critic, "critic"),
      scalars_(exec, shape.world.scalars, starts * (times() + 1)),
      // Libraries may read what lies between the rows of h: defined from the start.
      feature_(
          zeros<float>(exec, elements(starts * (shape.horizon + 1), shape.world.rssm.feature()))),
      action_(exec, elements(starts * shape.horizon, shape.world.rssm.actions)),
      reward_mean_(exec, count(times() + 1)),
      value_(exec, count(times() + 1)),
      discount_(exec, count(times())),
      weight_(exec, count(times())),
      return_(zeros<float>(exec, count(times() + 1))),
      critic_loss_(exec, count(times() + 1)),
      entropy_(zeros<float>(exec, count(shape.horizon))),
      dreturn_(zeros<float>(exec, count(times()))),
      dreward_(zeros<float>(exec, count(times() + 1))),
      dvalue_(zeros<float>(exec, count(times() + 1))),
      dfeature_(
          zeros<float>(exec, elements(starts * (shape.horizon + 1), shape.world.rssm.feature()))),
      dstatistics_(exec, elements(starts, shape.world.rssm.latents.statistics())),
      dh_(exec, elements(starts, shape.world.rssm.deter)),
      dz_(exec, elements(starts, shape.world.rssm.stochastic())),
      da_(exec, elements(starts, shape.world.rssm.actions)),
      draw_(exec, elements(starts, shape.actor_outputs())),
      dentropy_(zeros<float>(exec, count(shape.horizon))),
      workspace_(exec, reduce_workspace(count(shape.horizon + 1))) {
  if (Imagination::serves(exec, shape)) imagination_.emplace(exec, shape, world, actor);
  actor_.keep(kept_);
  recurrence_->keep(kept_);
  prior_.keep(kept_);
  if (shape.slow_targets)
    slow_critic_.emplace(exec, shape.critic_stack(), starts * (times() + 1), 1, slow_critic,
                         "critic");
}

std::size_t DynamicsBehaviour::count(int times) const { return elements(times, starts_); }

OutRows<float> DynamicsBehaviour::slab(Buffer<float>& b, int t, int cols) const {
  return {b.data() + elements(t * starts_, cols), starts_, cols};
}

OutRows<float> DynamicsBehaviour::features(Buffer<float>& b, int t) const {
  return slab(b, t, shape_.world.rssm.feature());
}

RowDraws DynamicsBehaviour::action_draws(RowDraws const& draws, int t) const {
  return {draws.seed, draws.stream.slice(count(t), count(1)), draws.tick};
}

RowDraws DynamicsBehaviour::state_draws(RowDraws const& draws, int t) const {
  return {draws.seed, draws.stream.slice(count(shape_.horizon + t), count(1)), draws.tick};
}

void DynamicsBehaviour::learn(Exec const& exec, InRows<float> feature,
                              SequenceReplay::Records const&, RowDraws const& draws,
                              OutRows<float> dfeature) {
  imagine(exec, feature, draws);
  returns(exec);
  actor_gradient(exec, draws);
  critic_gradient(exec);
  fill_zero(exec, Out<float>(dfeature.data, elements(dfeature.rows, dfeature.cols)));
}

void DynamicsBehaviour::imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  if (imagination_) {
    int const rows = starts_ * shape_.horizon;
    imagination_->run(exec, feature, draws,
                      {{feature_.data(), rows + starts_, r.feature()},
                       {action_.data(), rows, r.actions},
                       {},
                       kept_.data()});
    return;
  }
  copy(exec, In<float>(feature.data, elements(starts_, r.feature())),
       Out<float>(feature_.data(), elements(starts_, r.feature())));
  for (int t = 0; t < shape_.horizon; ++t) {
    OutRows<float> const now = features(feature_, t), next = features(feature_, t + 1),
                         action = slab(action_, t, r.actions);
    draw_action(exec, shape_, actor_.forward(exec, t, {now}), {}, action_draws(draws, t), action,
                {});
    recurrence_->forward(exec, t, h_of(r, now), z_of(r, now), action, h_of(r, next));
    latents_.sample(exec, prior_.forward(exec, t, {h_of(r, next)}), state_draws(draws, t),
                    z_of(r, next));
  }
}

InRows<float> DynamicsBehaviour::judged() {
  return {features(feature_, first()).data, starts_ * (times() + 1), shape_.world.rssm.feature()};
}

// Rewards, values and returns of the judged states, and what the actor's loss makes of them.
void DynamicsBehaviour::returns(Exec const& exec) {
  int const steps = times();
  scalars_.mean(exec, reward_.forward(exec, 0, {judged()}), reward_mean_.out());
  critic_.forward(exec, 0, {judged()});
  if (slow_critic_) slow_critic_->forward(exec, 0, {judged()});
  scalars_.mean(exec, valuer().output(), value_.out());
  std::size_t const all = count(steps);
  // Version 2 leaves out the recorded state's return: no action has led there.
  std::size_t const later = shape_.from_start ? all - count(1) : all;
  float const share = 1.F / static_cast<float>(later);
  LambdaReturnInput const in{reward_mean_.in().slice(0, all), discount_.in(), value_.in()};
  visit(exec, [&](auto e) {
    horizon(e, steps, shape_.gamma, {}, {}, discount_.out(), weight_.out());
    lambda_return(e, steps, shape_.lambda, in, return_.out().slice(0, all));
    sum(e, return_.in().slice(0, all), loss(BehaviourLoss::returns), workspace_.out());
    sum(e, value_.in().slice(0, all), loss(BehaviourLoss::values), workspace_.out());
    affine(e, -share, 0.F, weight_.in().slice(0, later), dreturn_.out().slice(all - later, later));
    affine(e, -share * shape_.actor.entropy, 0.F, weight_.in().slice(0, later),
           dentropy_.out().slice(0, later));
    lambda_return_backward(e, steps, shape_.lambda, in, return_.in().slice(0, all), dreturn_.in(),
                           {dreward_.out().slice(0, all), {}, dvalue_.out()});
  });
}

void DynamicsBehaviour::actor_gradient(Exec const& exec, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  int const horizon = shape_.horizon, rows = starts_ * (times() + 1);
  OutRows<float> const to(features(dfeature_, first()).data, rows, r.feature()),
      dstatistics(dstatistics_.data(), starts_, r.latents.statistics()),
      dh(dh_.data(), starts_, r.deter), dz(dz_.data(), starts_, r.stochastic()),
      da(da_.data(), starts_, r.actions);
  // A normal head's mean is its output.
  reward_.backward(exec, 0, {dreward_.data(), rows, 1}, {{to}});
  valuer().backward(exec, 0, {dvalue_.data(), rows, 1}, {{to, Result::add}});
  for (int t = horizon - 1; t >= 0; --t) {
    OutRows<float> const dnext = features(dfeature_, t + 1), dnow = features(dfeature_, t);
    OutRows<float> const now = features(feature_, t);
    fill_zero(exec, dstatistics_.out());
    latents_.sample_backward(exec, prior_.output(t), state_draws(draws, t), z_of(r, dnext),
                             dstatistics);
    prior_.backward(exec, t, dstatistics, {{h_of(r, dnext), Result::add}});
    recurrence_->backward(exec, t, h_of(r, now), h_of(r, dnext), {dh, dz, da});
    if (t > 0)
      visit(exec, [&](auto e) {
        accumulate(e, dh, h_of(r, dnow));
        accumulate(e, dz, z_of(r, dnow));
      });
    actor_.backward(exec, t, policy_gradient(exec, t, draws, da));
  }
  actor_.weight_gradient(exec, {{feature_.data(), starts_ * horizon, r.feature()}});
  visit(exec,
        [&](auto e) { sum(e, entropy_.in(), loss(BehaviourLoss::entropy), workspace_.out()); });
}

/// Of the actor's output at step t, from that of its action.
InRows<float> DynamicsBehaviour::policy_gradient(Exec const& exec, int t, RowDraws const& draws,
                                                 InRows<float> da) {
  OutRows<float> const draw(draw_.data(), starts_, shape_.actor_outputs());
  TanhActor without_noise = shape_.tanh;
  without_noise.noise = 0;
  visit(exec, [&](auto e) {
    if (shape_.policy == BehaviourShape::Policy::tanh_normal)
      tanh_actor_backward(e, without_noise, actor_.output(t), action_draws(draws, t), da, draw);
    else
      truncated_actor_backward(e, actor_.output(t), action_draws(draws, t), da,
                               dentropy_.in().slice(count(t), count(1)), draw,
                               entropy_.out().slice(count(t), count(1)));
  });
  return draw;
}

void DynamicsBehaviour::critic_gradient(Exec const& exec) {
  std::size_t const all = count(times());
  scalars_.loss(exec, critic_.output(), return_.in(), critic_loss_.out());
  // dvalue: what every state's loss weighs; the last state has no return.
  fill_zero(exec, dvalue_.out().slice(all, count(1)));
  visit(exec, [&](auto e) {
    affine(e, 1.F / static_cast<float>(all), 0.F, weight_.in(), dvalue_.out().slice(0, all));
    sum(e, critic_loss_.in().slice(0, all), loss(BehaviourLoss::critic), workspace_.out());
  });
  OutRows<float> const slope(dreward_.data(), starts_ * (times() + 1), 1);
  scalars_.backward(exec, critic_.output(), return_.in(), dvalue_.in(), slope);
  critic_.backward(exec, 0, slope);
  critic_.weight_gradient(exec, {judged()});
  // The last reward's gradient is 0 again for the next update.
  fill_zero(exec, dreward_.out());
}

}  // namespace loom
