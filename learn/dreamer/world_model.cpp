#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/likelihood.hpp>
#include <kernels/nn/two_hot.hpp>
#include <learn/dreamer/world_model.hpp>

namespace loom {
namespace {

std::size_t elements(int rows, int cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
}

/// f(name, shape, stream) for every stack.
template <class F>
void each_stack(WorldShape const& s, F const& f) {
  f("encoder", s.encoder(), 1000U);
  f("prior", s.rssm.prior(), 2000U);
  f("posterior", s.rssm.posterior(), 3000U);
  f("decoder", s.decoder(), 4000U);
  f("reward", s.reward(), 5000U);
  f("continue", s.goes_on(), 6000U);
}

}  // namespace

std::vector<ParameterShape> world_parameters(WorldShape const& shape) {
  std::vector<ParameterShape> all = recurrence_parameters("recurrence", shape.rssm);
  each_stack(shape, [&](char const* name, Stack::Shape const& stack, std::uint32_t) {
    auto const of = stack_parameters(name, stack);
    all.insert(all.end(), of.begin(), of.end());
  });
  return all;
}

void initialise_world(Exec const& exec, WorldShape const& shape, std::uint64_t seed,
                      Parameters& parameters) {
  initialise_recurrence(exec, shape.rssm, seed, 0, parameters, "recurrence");
  each_stack(shape, [&](char const* name, Stack::Shape const& stack, std::uint32_t stream) {
    initialise_stack(exec, stack, seed, stream, parameters, name);
  });
}

WorldModel::WorldModel(Exec const& exec, WorldShape const& shape, int sequences, int steps,
                       Parameters& p)
    : shape_(shape),
      sequences_(sequences),
      steps_(steps),
      rows_(sequences * steps),
      encoder_(exec, shape.encoder(), rows_, 1, p, "encoder"),
      scan_(exec, shape.rssm, sequences, steps, p),
      decoder_(exec, shape.decoder(), rows_, 1, p, "decoder"),
      reward_(exec, shape.reward(), rows_, 1, p, "reward"),
      continue_(exec, shape.goes_on(), rows_, 1, p, "continue"),
      bins_(uploaded(exec, two_hot_bins(shape.bins))),
      squashed_(exec, elements(rows_, shape.observation)),
      row_loss_(exec, elements(rows_, 1)),
      log_normaliser_(exec, elements(rows_, 1)),
      uniform_(
          uploaded(exec, std::vector<float>(elements(rows_, 1), 1.F / static_cast<float>(rows_)))),
      kl_(exec, elements(rows_, 1)),
      representation_(exec, elements(rows_, 1)),
      dynamics_(exec, elements(rows_, 1)),
      losses_(zeros<float>(exec, static_cast<std::size_t>(WorldLoss::count))),
      dobservation_(exec, elements(rows_, shape.observation)),
      dreward_(exec, elements(rows_, shape.bins)),
      dcontinue_(exec, elements(rows_, 1)),
      dposterior_(exec, elements(rows_, shape.rssm.stochastic())),
      dprior_(exec, elements(rows_, shape.rssm.stochastic())),
      dtokens_(exec, elements(rows_, shape.rssm.tokens)),
      workspace_(exec, reduce_workspace(elements(rows_, 1))) {}

ObservationScan::Inputs WorldModel::scan_inputs() {
  return {start_, action_, batch_.first, tokens_, draws_};
}

void WorldModel::forward(Exec const& exec, SequenceReplay::Records const& batch,
                         RowDraws const& draws) {
  auto const cut = [&](In<float> x) {
    return x.slice(static_cast<std::size_t>(sequences_), elements(rows_, 1));
  };
  auto const rows = [&](InRows<float> x, int first) {
    return InRows<float>(x.row(first), rows_, x.cols, x.stride);
  };
  batch_ = {rows(batch.observation, sequences_),
            {},
            {},
            cut(batch.reward),
            cut(batch.first),
            cut(batch.last),
            cut(batch.goes_on)};
  action_ = rows(batch.action, 0);
  start_ = {batch.latent.data, sequences_, batch.latent.cols, batch.latent.stride};
  draws_ = draws;
  InRows<float> const target = batch_.observation;
  LatentShape const latent{shape_.rssm.groups, shape_.rssm.classes, shape_.rssm.unimix};
  visit(exec, [&](auto e) { symlog(e, {target.data, squashed_.size()}, squashed_.out()); });
  tokens_ = encoder_.forward(exec, 0, {matrix(squashed_, shape_.observation)});
  scan_.forward(exec, scan_inputs());
  InRows<float> const feature = scan_.feature();
  InRows<float> const decoded = decoder_.forward(exec, 0, {feature}),
                      reward = reward_.forward(exec, 0, {feature}),
                      goes_on = continue_.forward(exec, 0, {feature});
  visit(exec, [&](auto e) {
    auto const total = [&](WorldLoss k) { sum(e, row_loss_.in(), loss(k), workspace_.out()); };
    likelihood_loss(e, Likelihood::symlog_squared, decoded, target, row_loss_.out());
    total(WorldLoss::reconstruction);
    likelihood_loss(e, Likelihood::bernoulli, goes_on, {batch_.goes_on.data, rows_, 1},
                    row_loss_.out());
    total(WorldLoss::goes_on);
    two_hot_loss(e, bins_.in(), reward, batch_.reward, row_loss_.out(), log_normaliser_.out());
    total(WorldLoss::reward);
    latent_kl(e, latent, scan_.posterior(), scan_.prior(), kl_.out());
    free_bits(e, shape_.free_bits, kl_.in(), representation_.out(), dynamics_.out(),
              losses_.out().slice(static_cast<std::size_t>(WorldLoss::divergence), 2));
  });
}

void WorldModel::backward(Exec const& exec, OutRows<float> dfeature) {
  LatentShape const latent{shape_.rssm.groups, shape_.rssm.classes, shape_.rssm.unimix};
  InRows<float> const feature = scan_.feature();
  OutRows<float> const dobservation = matrix(dobservation_, shape_.observation),
                       dreward = matrix(dreward_, shape_.bins), dcontinue = matrix(dcontinue_, 1),
                       dposterior = matrix(dposterior_, shape_.rssm.stochastic()),
                       dprior = matrix(dprior_, shape_.rssm.stochastic()),
                       dtokens = matrix(dtokens_, shape_.rssm.tokens);
  visit(exec, [&](auto e) {
    likelihood_backward(e, Likelihood::symlog_squared, decoder_.output(), batch_.observation,
                        uniform_.in(), dobservation);
    likelihood_backward(e, Likelihood::bernoulli, continue_.output(),
                        {batch_.goes_on.data, rows_, 1}, uniform_.in(), dcontinue);
    two_hot_backward(e, bins_.in(), reward_.output(), batch_.reward, log_normaliser_.in(),
                     uniform_.in(), dreward);
    latent_kl_backward(e, latent, scan_.posterior(), scan_.prior(),
                       {representation_.in(), dynamics_.in()}, dposterior, dprior);
  });
  auto const head = [&](Stack& stack, OutRows<float> slope) {
    stack.backward(exec, 0, slope, {{dfeature, Result::add}});
    stack.weight_gradient(exec, {feature});
  };
  head(decoder_, dobservation);
  head(reward_, dreward);
  head(continue_, dcontinue);
  scan_.backward(exec, scan_inputs(), dfeature, dposterior, dprior, dtokens);
  encoder_.backward(exec, 0, dtokens);
  encoder_.weight_gradient(exec, {matrix(squashed_, shape_.observation)});
}

}  // namespace loom
