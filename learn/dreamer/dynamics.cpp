#include <kernels/dream/horizon.hpp>
#include <kernels/dream/lambda_return.hpp>
#include <kernels/linalg/accumulate.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/reduce.hpp>
#include <learn/dreamer/dynamics.hpp>

namespace loom {
namespace {

std::size_t elements(int rows, int cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
}

BehaviourShape checked(BehaviourShape const& s) {
  require<ConfigError>(s.policy == BehaviourShape::Policy::tanh_normal,
                       "dreamer: gradient dynamics needs policy tanh_normal");
  require<ConfigError>(s.world.scalars.kind == ScalarsShape::Kind::normal,
                       "dreamer: gradient dynamics needs heads normal");
  require<ConfigError>(!s.world.continues, "dreamer: gradient dynamics needs continues = false");
  require<ConfigError>(s.horizon > 1, "dreamer: gradient dynamics needs a horizon of 2 or more");
  return s;
}

}  // namespace

DynamicsBehaviour::DynamicsBehaviour(Exec const& exec, BehaviourShape const& shape, int starts,
                                     Parameters& world, Parameters& actor, Parameters& critic)
    : Behaviour(exec),
      shape_(checked(shape)),
      starts_(starts),
      recurrence_(
          make_recurrence(exec, shape.world.rssm, starts, shape.horizon, world, "recurrence")),
      latents_(exec, shape.world.rssm.latents, starts),
      prior_(exec, shape.world.rssm.prior(), starts, shape.horizon, world, "prior"),
      reward_(exec, shape.world.reward(), starts * shape.horizon, 1, world, "reward"),
      actor_(exec, shape.actor_stack(), starts, shape.horizon, actor, "actor"),
      critic_(exec, shape.critic_stack(), starts * shape.horizon, 1, critic, "critic"),
      scalars_(exec, shape.world.scalars, starts * shape.horizon),
      // Libraries may read what lies between the rows of h: defined from the start.
      feature_(
          zeros<float>(exec, elements(starts * (shape.horizon + 1), shape.world.rssm.feature()))),
      action_(exec, elements(starts * shape.horizon, shape.world.rssm.actions)),
      reward_mean_(exec, count(shape.horizon)),
      value_(exec, count(shape.horizon)),
      discount_(exec, count(shape.horizon - 1)),
      weight_(exec, count(shape.horizon - 1)),
      return_(zeros<float>(exec, count(shape.horizon))),
      critic_loss_(exec, count(shape.horizon)),
      dreturn_(exec, count(shape.horizon - 1)),
      dreward_(zeros<float>(exec, count(shape.horizon))),
      dvalue_(zeros<float>(exec, count(shape.horizon))),
      dfeature_(
          zeros<float>(exec, elements(starts * (shape.horizon + 1), shape.world.rssm.feature()))),
      dstatistics_(exec, elements(starts, shape.world.rssm.latents.statistics())),
      dh_(exec, elements(starts, shape.world.rssm.deter)),
      dz_(exec, elements(starts, shape.world.rssm.stochastic())),
      da_(exec, elements(starts, shape.world.rssm.actions)),
      draw_(exec, elements(starts, shape.actor_outputs())),
      workspace_(exec, reduce_workspace(count(shape.horizon))) {}

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

namespace {

/// The parts of [h, z].
template <class Rows>
Rows h_of(RssmShape const& s, Rows feature) {
  return {feature.data, feature.rows, s.deter, feature.stride};
}
template <class Rows>
Rows z_of(RssmShape const& s, Rows feature) {
  return {feature.data + s.deter, feature.rows, s.stochastic(), feature.stride};
}

}  // namespace

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

// Rewards, values and returns of the imagined states.
void DynamicsBehaviour::returns(Exec const& exec) {
  int const horizon = shape_.horizon, f = shape_.world.rssm.feature();
  InRows<float> const imagined(features(feature_, 1).data, starts_ * horizon, f);
  scalars_.mean(exec, reward_.forward(exec, 0, {imagined}), reward_mean_.out());
  scalars_.mean(exec, critic_.forward(exec, 0, {imagined}), value_.out());
  std::size_t const all = count(horizon - 1);
  visit(exec, [&](auto e) {
    loom::horizon(e, horizon - 1, shape_.gamma, {}, {}, discount_.out(), weight_.out());
    lambda_return(e, horizon - 1, shape_.lambda,
                  {reward_mean_.in().slice(0, all), discount_.in(), value_.in()},
                  return_.out().slice(0, all));
    sum(e, return_.in().slice(0, all), loss(BehaviourLoss::returns), workspace_.out());
    sum(e, value_.in().slice(0, all), loss(BehaviourLoss::values), workspace_.out());
    affine(e, -1.F / static_cast<float>(all), 0.F, weight_.in(), dreturn_.out());
    LambdaReturnInput const in{reward_mean_.in().slice(0, all), discount_.in(), value_.in()};
    lambda_return_backward(e, horizon - 1, shape_.lambda, in, return_.in().slice(0, all),
                           dreturn_.in(), {dreward_.out().slice(0, all), {}, dvalue_.out()});
  });
}

void DynamicsBehaviour::actor_gradient(Exec const& exec, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  int const horizon = shape_.horizon;
  OutRows<float> const imagined(features(dfeature_, 1).data, starts_ * horizon, r.feature()),
      dstatistics(dstatistics_.data(), starts_, r.latents.statistics()),
      dh(dh_.data(), starts_, r.deter), dz(dz_.data(), starts_, r.stochastic()),
      da(da_.data(), starts_, r.actions), draw(draw_.data(), starts_, shape_.actor_outputs());
  // A normal head's mean is its output.
  reward_.backward(exec, 0, {dreward_.data(), starts_ * horizon, 1}, {{imagined}});
  critic_.backward(exec, 0, {dvalue_.data(), starts_ * horizon, 1}, {{imagined, Result::add}});
  for (int t = horizon - 1; t >= 0; --t) {
    OutRows<float> const dnext = features(dfeature_, t + 1), dnow = features(dfeature_, t);
    OutRows<float> const now = features(feature_, t);
    fill_zero(exec, dstatistics_.out());
    latents_.sample_backward(exec, prior_.output(t), state_draws(draws, t), z_of(r, dnext),
                             dstatistics);
    prior_.backward(exec, t, dstatistics, {{h_of(r, dnext), Result::add}});
    recurrence_->backward(exec, t, h_of(r, now), h_of(r, dnext), {dh, dz, da});
    visit(exec, [&](auto e) {
      if (t > 0) {
        accumulate(e, dh, h_of(r, dnow));
        accumulate(e, dz, z_of(r, dnow));
      }
      tanh_actor_backward(e, exploited(), actor_.output(t), action_draws(draws, t), da, draw);
    });
    actor_.backward(exec, t, draw);
  }
  actor_.weight_gradient(exec, {{feature_.data(), starts_ * horizon, r.feature()}});
}

void DynamicsBehaviour::critic_gradient(Exec const& exec) {
  int const horizon = shape_.horizon;
  std::size_t const all = count(horizon - 1);
  InRows<float> const imagined(features(feature_, 1).data, starts_ * horizon,
                               shape_.world.rssm.feature());
  scalars_.loss(exec, critic_.output(), return_.in(), critic_loss_.out());
  // dvalue: what every state's loss weighs; the last state has no return.
  fill_zero(exec, dvalue_.out().slice(all, count(1)));
  visit(exec, [&](auto e) {
    affine(e, 1.F / static_cast<float>(all), 0.F, weight_.in(), dvalue_.out().slice(0, all));
    sum(e, critic_loss_.in().slice(0, all), loss(BehaviourLoss::critic), workspace_.out());
  });
  OutRows<float> const slope(dreward_.data(), starts_ * horizon, 1);
  scalars_.backward(exec, critic_.output(), return_.in(), dvalue_.in(), slope);
  critic_.backward(exec, 0, slope);
  critic_.weight_gradient(exec, {imagined});
  // The rewards' last gradient is 0 again for the next update.
  fill_zero(exec, dreward_.out());
}

TanhActor DynamicsBehaviour::exploited() const {
  TanhActor actor = shape_.tanh;
  actor.noise = 0;
  return actor;
}

}  // namespace loom
