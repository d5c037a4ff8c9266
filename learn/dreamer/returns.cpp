#include <kernels/dream/lambda_return.hpp>
#include <kernels/linalg/add.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/reduce.hpp>
#include <learn/dreamer/returns.hpp>

namespace loom {
namespace {

/// `n` where returns are differentiated, else nothing.
std::size_t if_through(BehaviourShape const& s, std::size_t n) { return s.through_model() ? n : 0; }

}  // namespace

Returns::Returns(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
                 Parameters& world, Parameters& critic, Parameters& slow_critic)
    : shape_(shape),
      sequences_(sequences),
      steps_(steps),
      starts_(sequences * steps),
      reward_(exec, shape.world.reward(), starts_ * shape.times(), 1, world, "reward",
              shape.through_model()),
      critic_(exec, shape.critic_stack(), starts_ * shape.judged(), 1, critic, "critic"),
      rewards_(exec, shape.world.scalars, starts_ * shape.times()),
      values_(exec, shape.world.scalars, starts_ * shape.judged()),
      reward_mean_(exec, count(shape.times())),
      value_(exec, count(shape.judged())),
      slow_value_(exec, count(shape.judged())),
      discount_(exec, count(shape.times())),
      weight_(exec, count(shape.times())),
      target_(zeros<float>(exec, count(shape.judged()))),
      range_(zeros<float>(exec, 3)),
      dloss_(zeros<float>(exec, count(shape.judged()))),
      critic_loss_(exec, count(shape.judged())),
      dcritic_(exec, elements(starts_ * shape.judged(), shape.world.scalars.outputs())),
      dreward_mean_(exec, if_through(shape, count(shape.times()))),
      ddiscount_(exec, if_through(shape, count(shape.times()))),
      dvalue_(zeros<float>(exec, if_through(shape, count(shape.judged())))),
      dreward_(exec,
               if_through(shape, elements(starts_ * shape.times(), shape.world.scalars.outputs()))),
      dcontinue_(exec, if_through(shape, count(shape.times() + 1))),
      dvaluer_(exec, if_through(shape,
                                elements(starts_ * shape.judged(), shape.world.scalars.outputs()))),
      workspace_(exec, visit(exec, [&](auto e) {
                   auto const n = static_cast<int>(count(shape.times()));
                   return std::max(return_range_workspace(e, n),
                                   reduce_workspace(count(shape.judged())));
                 })) {
  if (has_slow())
    slow_critic_.emplace(exec, shape.critic_stack(), starts_ * shape.judged(), 1, slow_critic,
                         "critic", shape.slow_targets && shape.through_model());
  if (shape.world.continues)
    continue_.emplace(exec, shape.world.goes_on(), starts_ * (shape.times() + 1), 1, world,
                      "continue", shape.through_model());
}

void Returns::judge(Exec const& exec, OutRows<float> feature,
                    SequenceReplay::Records const& batch) {
  feature_ = part(feature, shape_.first(), shape_.judged());
  InRows<float> const reward =
      reward_.forward(exec, 0, {part(feature_, rewarding(), shape_.times())});
  rewards_.mean(exec, reward, reward_mean_.out());
  values_.mean(exec, critic_.forward(exec, 0, {feature_}), value_.out());
  if (slow_critic_)
    values_.mean(exec, slow_critic_->forward(exec, 0, {feature_}), slow_value_.out());
  make_returns(exec, batch);
}

// R_t of every judged state, and of the records with R_0 of the state after each as what comes then.
void Returns::make_returns(Exec const& exec, SequenceReplay::Records const& batch) {
  int const times = shape_.times();
  In<float> going_on;
  if (continue_) {
    InRows<float> const states = part(feature_, 0, times + 1);
    going_on = {continue_->forward(exec, 0, {states}).data, count(times + 1)};
    // Whether the recorded states' episodes went on is known.
    if (shape_.from_start) start_ = batch.goes_on;
  }
  auto const b = static_cast<std::size_t>(sequences_);
  visit(exec, [&](auto e) {
    horizon(e, times, shape_.rewards, shape_.gamma, going_on, start_, discount_.out(),
            weight_.out());
    lambda_return(e, times, shape_.lambda, {reward_mean_.in(), discount_.in(), values()},
                  target_.out().slice(0, count(times)));
    if (shape_.scale_returns)
      update_return_range(e, shape_.range, returns(), range_.out(), workspace_.out());
    if (shape_.on_records())
      lambda_return(e, steps_ - 1, shape_.lambda,
                    {batch.reward.slice(b, recorded()), batch.goes_on.slice(b, recorded()),
                     target_.in().slice(0, count(1)), batch.last.slice(b, recorded())},
                    target_.out().slice(records_at(), recorded()));
  });
}

void Returns::learn_critic(Exec const& exec, SequenceReplay::Records const& batch,
                           OutRows<float> dfeature) {
  Out<float> const imagined = dloss_.out().slice(0, count(shape_.times()));
  OutRows<float> const dcritic(dcritic_.data(), starts_ * shape_.judged(),
                               shape_.world.scalars.outputs());
  visit(exec, [&](auto e) {
    affine(e, 1.F / static_cast<float>(imagined.size), 0.F, weight_.in(), imagined);
    if (shape_.on_records()) {
      float const share = shape_.replay_loss / static_cast<float>(recorded());
      affine(e, -share, share, batch.last.slice(0, recorded()),
             dloss_.out().slice(records_at(), recorded()));
    }
  });
  values_.loss(exec, critic_.output(), target_.in(), critic_loss_.out());
  values_.backward(exec, critic_.output(), target_.in(), dloss_.in(), dcritic);
  if (shape_.slow_loss > 0) {
    if (shape_.slow_loss != 1.F)
      visit(exec, [&](auto e) { affine(e, shape_.slow_loss, 0.F, dloss_.in(), dloss_.out()); });
    values_.backward(exec, critic_.output(), slow_value_.in(), dloss_.in(), dcritic, Result::add);
  }
  critic_.backward(exec, 0, dcritic, {{shape_.on_records() ? dfeature : OutRows<float>{}}});
  critic_.weight_gradient(exec, {feature_});
  if (!shape_.on_records())
    fill_zero(exec, Out<float>(dfeature.data, elements(dfeature.rows, dfeature.cols)));
}

void Returns::backward(Exec const& exec, In<float> dreturns, In<float> dvalues,
                       OutRows<float> dfeature) {
  int const times = shape_.times(), outputs = shape_.world.scalars.outputs();
  Out<float> const dvalue = dvalue_.out().slice(0, count(times + 1));
  OutRows<float> const dreward(dreward_.data(), times * starts_, outputs),
      dvaluer(dvaluer_.data(), shape_.judged() * starts_, outputs),
      dcontinue(dcontinue_.data(), (times + 1) * starts_, 1);
  visit(exec, [&](auto e) {
    lambda_return_backward(
        e, times, shape_.lambda, {reward_mean_.in(), discount_.in(), values()}, returns(), dreturns,
        {dreward_mean_.out(), continue_ ? ddiscount_.out() : Out<float>{}, dvalue});
    if (dvalues.size > 0) {
      Out<float> const to = dvalue.slice(0, dvalues.size);
      add(e, dvalues, to, to);
    }
  });
  // Rows of records, behind the judged states, have no part in it.
  values_.mean_backward(exec, valuer().output(), dvalue_.in(), dvaluer);
  valuer().backward(exec, 0, dvaluer, {{dfeature}});
  rewards_.mean_backward(exec, reward_.output(), dreward_mean_.in(), dreward);
  reward_.backward(exec, 0, dreward, {{part(dfeature, rewarding(), times), Result::add}});
  if (continue_) {
    visit(exec, [&](auto e) {
      horizon_backward(e, times, shape_.rewards, shape_.gamma,
                       {continue_->output().data, count(times + 1)}, start_, ddiscount_.in(),
                       dcontinue_.out());
    });
    continue_->backward(exec, 0, dcontinue, {{part(dfeature, 0, times + 1), Result::add}});
  }
}

void Returns::totals(Exec const& exec, Out<float> returns_, Out<float> values_, Out<float> critic,
                     Out<float> records) {
  std::size_t const all = count(shape_.times());
  visit(exec, [&](auto e) {
    sum(e, returns(), returns_, workspace_.out());
    sum(e, values().slice(0, all), values_, workspace_.out());
    sum(e, critic_loss_.in().slice(0, all), critic, workspace_.out());
    if (shape_.on_records())
      sum(e, critic_loss_.in().slice(records_at(), recorded()), records, workspace_.out());
  });
}

}  // namespace loom
