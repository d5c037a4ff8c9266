#include <kernels/dream/carry.hpp>
#include <kernels/dream/truncated_actor.hpp>
#include <kernels/linalg/accumulate.hpp>
#include <learn/dreamer/trajectories.hpp>

namespace loom {
namespace {

/// `n` where the model's gradient is wanted, else nothing.
std::size_t if_through(BehaviourShape const& s, std::size_t n) { return s.through_model() ? n : 0; }

/// Rows and steps of the actor's layers: the kernel hands over all steps at once.
int actor_steps(Exec const& exec, BehaviourShape const& s) {
  return Imagination::serves(exec, s) ? 1 : s.horizon;
}

}  // namespace

Trajectories::Trajectories(Exec const& exec, BehaviourShape const& shape, int starts,
                           Parameters& world, Parameters& actor)
    : shape_(shape),
      starts_(starts),
      recurrence_(make_recurrence(exec, shape.world.rssm, starts,
                                  shape.through_model() ? shape.horizon : 1, world, "recurrence",
                                  shape.through_model())),
      latents_(exec, shape.world.rssm.latents, starts),
      prior_(exec, shape.world.rssm.prior(), starts, shape.through_model() ? shape.horizon : 1,
             world, "prior", shape.through_model()),
      actor_(exec, shape.actor_stack(), starts * (shape.horizon / actor_steps(exec, shape)),
             actor_steps(exec, shape), actor, "actor"),
      // Libraries may read what lies between the rows of h: defined from the start.
      feature_(zeros<float>(exec, elements(starts * shape.states(), shape.world.rssm.feature()))),
      action_(exec, elements(starts * shape.horizon, shape.world.rssm.actions)),
      bounded_(exec, elements(starts, shape.world.rssm.actions)),
      no_first_(zeros<float>(exec, count(1))),
      index_(exec, count(shape.horizon)),
      dstatistics_(exec,
                   if_through(shape, elements(starts, shape.world.rssm.latents.statistics()))),
      dh_(exec, if_through(shape, elements(starts, shape.world.rssm.deter))),
      dz_(exec, if_through(shape, elements(starts, shape.world.rssm.stochastic()))),
      da_(exec, if_through(shape, elements(starts, shape.world.rssm.actions))),
      dpolicy_(exec, if_through(shape, elements(starts * shape.horizon, shape.actor_outputs()))) {
  if (!Imagination::serves(exec, shape)) return;
  imagination_.emplace(exec, shape, world, actor);
  if (!shape_.through_model()) return;
  actor_.keep(kept_);
  recurrence_->keep(kept_);
  prior_.keep(kept_);
}

RowDraws Trajectories::action_draws(RowDraws const& draws, int t) const {
  return {draws.seed, draws.stream.slice(count(t), count(1)), draws.tick};
}

RowDraws Trajectories::state_draws(RowDraws const& draws, int t) const {
  return action_draws(draws, shape_.horizon + t);
}

void Trajectories::imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  In<float> const starts(feature.data, elements(starts_, r.feature()));
  auto const copy_to = [&](int t) {
    copy(exec, starts, Out<float>(this->feature(t).data, starts.size));
  };
  if (shape_.on_records()) copy_to(shape_.horizon + 1);
  if (imagination_) return imagine_by_kernel(exec, feature, draws);
  copy_to(0);
  OutRows<float> const bounded(bounded_.data(), starts_, r.actions);
  for (int t = 0; t < shape_.horizon; ++t) {
    OutRows<float> const now = this->feature(t), next = this->feature(t + 1);
    OutRows<float> const action = slab(action_, t, 1, r.actions);
    draw_action(exec, shape_, actor_.forward(exec, t, {now}), {}, action_draws(draws, t), action,
                index_.out().slice(count(t), count(1)));
    if (bounds()) visit(exec, [&](auto e) { carry_action(e, no_first_.in(), action, bounded); });
    int const kept = shape_.through_model() ? t : 0;
    recurrence_->forward(exec, kept, h_of(r, now), z_of(r, now), bounds() ? bounded : action,
                         h_of(r, next));
    latents_.sample(exec, prior_.forward(exec, kept, {h_of(r, next)}), state_draws(draws, t),
                    z_of(r, next));
  }
}

void Trajectories::imagine_by_kernel(Exec const& exec, InRows<float> feature,
                                     RowDraws const& draws) {
  RssmShape const& r = shape_.world.rssm;
  int const rows = starts_ * shape_.horizon;
  bool const discrete = shape_.policy == BehaviourShape::Policy::categorical;
  imagination_->run(exec, feature, draws,
                    {{feature_.data(), rows + starts_, r.feature()},
                     {action_.data(), rows, r.actions},
                     discrete ? index_.out() : Out<std::int32_t>(),
                     shape_.through_model() ? kept_.data() : nullptr});
  // The policy's layers again, all steps at once: what their gradient needs.
  if (!shape_.through_model()) actor_.forward(exec, 0, {this->feature(0, shape_.horizon)});
}

void Trajectories::learn_policy(Exec const& exec, InRows<float> dpolicy) {
  int const together = actor_.output(0).rows;
  for (int t = 0; t * together < dpolicy.rows; ++t)
    actor_.backward(exec, t, {dpolicy.row(t * together), together, dpolicy.cols});
  actor_.weight_gradient(exec, {feature(0, shape_.horizon)});
}

void Trajectories::learn_policy(Exec const& exec, RowDraws const& draws, OutRows<float> dfeature,
                                In<float> dentropy, Out<float> entropy) {
  RssmShape const& r = shape_.world.rssm;
  OutRows<float> const dstatistics(dstatistics_.data(), starts_, r.latents.statistics()),
      dh(dh_.data(), starts_, r.deter), dz(dz_.data(), starts_, r.stochastic()),
      da(da_.data(), starts_, r.actions);
  auto const at = [&](int t) {
    return OutRows<float>(dfeature.row(t * starts_), starts_, dfeature.cols);
  };
  for (int t = shape_.horizon - 1; t >= 0; --t) {
    OutRows<float> const dnext = at(t + 1), dnow = at(t);
    fill_zero(exec, dstatistics_.out());
    latents_.sample_backward(exec, prior_.output(t), state_draws(draws, t), z_of(r, dnext),
                             dstatistics);
    prior_.backward(exec, t, dstatistics, {{h_of(r, dnext), Result::add}});
    recurrence_->backward(exec, t, h_of(r, feature(t)), h_of(r, dnext), {dh, dz, da});
    if (t > 0)
      visit(exec, [&](auto e) {
        accumulate(e, dh, h_of(r, dnow));
        accumulate(e, dz, z_of(r, dnow));
      });
    policy_gradient(exec, t, draws, da, dentropy, entropy);
  }
  learn_policy(exec, slab(dpolicy_, 0, shape_.horizon, shape_.actor_outputs()));
}

/// Of the policy's output at step t, from that of its action.
void Trajectories::policy_gradient(Exec const& exec, int t, RowDraws const& draws,
                                   OutRows<float> da, In<float> dentropy, Out<float> entropy) {
  using Policy = BehaviourShape::Policy;
  int const outputs = shape_.actor_outputs();
  InRows<float> const all = actor_.output(), output(all.row(t * starts_), starts_, outputs);
  OutRows<float> const to = slab(dpolicy_, t, 1, outputs),
                       action = slab(action_, t, 1, shape_.world.rssm.actions);
  RowDraws const drawn = action_draws(draws, t);
  In<float> const dentropy_t = dentropy.slice(count(t), count(1));
  Out<float> const entropy_t = entropy.slice(count(t), count(1));
  TanhActor without_noise = shape_.tanh;
  without_noise.noise = 0;
  visit(exec, [&](auto e) {
    if (shape_.policy == Policy::tanh_normal) {
      tanh_actor_backward(e, without_noise, output, drawn, da, to);
    } else if (shape_.policy == Policy::truncated_normal) {
      truncated_actor_backward(e, output, drawn, da, dentropy_t, to, entropy_t);
    } else {
      carry_action_backward(e, no_first_.in(), action, da, da);
      actor_normal_backward(e, shape_.actor.deviation, output, drawn, da, dentropy_t, to,
                            entropy_t);
    }
  });
}

}  // namespace loom
