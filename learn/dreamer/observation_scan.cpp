#include <kernels/dream/carry.hpp>
#include <learn/dreamer/observation_scan.hpp>

namespace loom {
namespace {

ObserveShape observe_shape(RssmShape const& r) {
  ObserveShape s;
  s.core = r.core;
  s.deter = r.deter, s.units = r.units, s.blocks = r.blocks;
  s.latents = r.latents;
  s.actions = r.actions;
  s.activation = r.activation;
  s.posterior_layers = r.posterior_layers;
  return s;
}

}  // namespace

std::string ObservationScan::refusal(Exec const& exec, RssmShape const& shape) {
  if (!normed_as_published(shape)) return "takes core block with norm rms, the others with none";
  return observe_fits(exec, observe_shape(shape)) ? "" : "has no room for a model of this size";
}

ObservationScan::ObservationScan(Exec const& exec, RssmShape const& shape, int sequences, int steps,
                                 Parameters& parameters)
    : shape_(shape),
      sequences_(sequences),
      steps_(steps),
      recurrence_(make_recurrence(exec, shape, sequences, steps, parameters, "recurrence")),
      latents_(exec, shape.latents, sequences),
      posterior_(exec, shape.posterior(), sequences, steps, parameters, "posterior"),
      prior_(exec, shape.prior(), sequences * steps, 1, parameters, "prior"),
      // Libraries may read what lies between the rows of h: defined from the start.
      feature_(zeros<float>(exec, elements(sequences * steps, shape.feature()))),
      before_h_(exec, elements(sequences * steps, shape.deter)),
      before_z_(exec, elements(sequences * steps, shape.stochastic())),
      before_a_(exec, elements(sequences * steps, shape.actions)),
      dh_(exec, elements(sequences, shape.deter)),
      dz_(exec, elements(sequences, shape.stochastic())) {
  if (!shape.fused || !refusal(exec, shape).empty()) return;
  packed_.emplace(exec, observe_shape(shape));
  sources_ = joint_sources(parameters, recurrence_parameters("recurrence", shape));
  auto posterior = joint_sources(parameters, stack_parameters("posterior", shape.posterior()));
  // The kernel has the columns of h; those of the tokens are multiplied before.
  posterior.front().stride = shape.deter + shape.tokens;
  sources_.insert(sources_.end(), posterior.begin(), posterior.end());
  recurrence_->keep(kept_);
  posterior_.keep(kept_);
  token_sums_ = Buffer<float>(exec, elements(sequences * steps, shape.units));
}

OutRows<float> ObservationScan::rows(Buffer<float>& b, int cols) const {
  return {b.data(), sequences_ * steps_, cols};
}

RowDraws ObservationScan::draws(RowDraws const& all, int t) const {
  auto const n = static_cast<std::size_t>(sequences_);
  return {all.seed, all.stream.slice(static_cast<std::size_t>(t) * n, n), all.tick};
}

void ObservationScan::forward(Exec const& exec, Inputs const& in) {
  visit(exec,
        [&](auto e) { carry_action(e, in.first, in.action, rows(before_a_, shape_.actions)); });
  if (packed_)
    follow(exec, in);
  else
    follow_layer_by_layer(exec, in);
  prior_.forward(exec, 0, {h(feature())});
}

void ObservationScan::follow(Exec const& exec, Inputs const& in) {
  OutRows<float> const token_sums = rows(token_sums_, shape_.units), all = feature();
  posterior_.share(exec, 1, in.tokens, token_sums);
  packed_->pack(exec, sources_);
  visit(exec, [&](auto e) {
    dream_observe(e, packed_->view(),
                  {in.start, rows(before_a_, shape_.actions), in.first, token_sums, in.draws},
                  {all, kept_.data()});
  });
  // The states before each step, for the way back: all but the first are those of the step before.
  OutRows<float> const before_h = rows(before_h_, shape_.deter),
                       before_z = rows(before_z_, shape_.stochastic());
  auto const carried = [&](int from_row, InRows<float> from) {
    auto const first =
        in.first.slice(static_cast<std::size_t>(from_row), static_cast<std::size_t>(from.rows));
    auto const to = [&](OutRows<float> x) {
      return OutRows<float>(x.row(from_row), from.rows, x.cols, x.stride);
    };
    visit(exec, [&](auto e) {
      carry(e, first, h(from), to(before_h));
      carry(e, first, z(from), to(before_z));
    });
  };
  carried(0, in.start);
  if (steps_ > 1) carried(sequences_, {all.data, sequences_ * (steps_ - 1), all.cols, all.stride});
}

void ObservationScan::follow_layer_by_layer(Exec const& exec, Inputs const& in) {
  auto const n = static_cast<std::size_t>(sequences_);
  OutRows<float> const before_h = rows(before_h_, shape_.deter),
                       before_z = rows(before_z_, shape_.stochastic()),
                       before_a = rows(before_a_, shape_.actions);
  for (int t = 0; t < steps_; ++t) {
    InRows<float> const before = t == 0 ? in.start : InRows<float>(step(feature(), t - 1));
    In<float> const first = in.first.slice(static_cast<std::size_t>(t) * n, n);
    OutRows<float> const now = step(feature(), t);
    visit(exec, [&](auto e) {
      carry(e, first, h(before), step(before_h, t));
      carry(e, first, z(before), step(before_z, t));
    });
    recurrence_->forward(exec, t, step(before_h, t), step(before_z, t), step(before_a, t), h(now));
    InRows<float> const statistics = posterior_.forward(exec, t, {h(now), step(in.tokens, t)});
    latents_.sample(exec, statistics, draws(in.draws, t), z(now));
  }
}

void ObservationScan::backward(Exec const& exec, Inputs const& in, OutRows<float> dfeature,
                               OutRows<float> dposterior, OutRows<float> dprior,
                               OutRows<float> dtokens) {
  auto const n = static_cast<std::size_t>(sequences_);
  int const s = shape_.stochastic();
  OutRows<float> const before_h = rows(before_h_, shape_.deter),
                       dh(dh_.data(), sequences_, shape_.deter), dz(dz_.data(), sequences_, s);
  prior_.backward(exec, 0, dprior, {{h(dfeature), Result::add}});
  for (int t = steps_ - 1; t >= 0; --t) {
    OutRows<float> const dnow = step(dfeature, t), dq = step(dposterior, t);
    latents_.sample_backward(exec, step(posterior(), t), draws(in.draws, t), z(dnow), dq);
    posterior_.backward(exec, t, dq, {{h(dnow), Result::add}, {step(dtokens, t)}});
    recurrence_->backward(exec, t, step(before_h, t), h(dnow), {dh, dz});
    if (t == 0) break;
    In<float> const first = in.first.slice(static_cast<std::size_t>(t) * n, n);
    OutRows<float> const dbefore = step(dfeature, t - 1);
    visit(exec, [&](auto e) {
      carry_backward(e, first, dh, h(dbefore));
      carry_backward(e, first, dz, z(dbefore));
    });
  }
  InRows<float> const state = h(feature());
  recurrence_->weight_gradient(exec, before_h, rows(before_z_, s), rows(before_a_, shape_.actions));
  posterior_.weight_gradient(exec, {state, in.tokens});
  prior_.weight_gradient(exec, {state});
}

}  // namespace loom
