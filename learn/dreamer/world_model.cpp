#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/likelihood.hpp>
#include <learn/dreamer/world_model.hpp>

namespace loom {

WorldModel::WorldModel(Exec const& exec, WorldShape const& shape, int sequences, int steps,
                       Parameters& p)
    : shape_(shape),
      sequences_(sequences),
      steps_(steps),
      rows_(sequences * steps),
      encoder_(exec, shape, rows_, p),
      scan_(exec, shape.rssm, sequences, steps, p),
      latents_(exec, shape.rssm.latents, rows_),
      entropy_(exec, shape.rssm.latents, rows_),
      scalars_(exec, shape.scalars, rows_),
      decoder_(exec, shape, rows_, p),
      reward_(exec, shape.reward(), rows_, 1, p, "reward"),
      nothing_(zeros<float>(exec, elements(sequences, shape.rssm.feature()))),
      row_loss_(exec, elements(rows_, 1)),
      uniform_(
          uploaded(exec, std::vector<float>(elements(rows_, 1), 1.F / static_cast<float>(rows_)))),
      reconstruction_(
          uploaded(exec, std::vector<float>(elements(rows_, 1),
                                            shape.reconstruction / static_cast<float>(rows_)))),
      continuation_(uploaded(
          exec,
          std::vector<float>(elements(rows_, 1), shape.continuation / static_cast<float>(rows_)))),
      kl_(exec, elements(rows_, 1)),
      representation_(exec, elements(rows_, 1)),
      dynamics_(exec, elements(rows_, 1)),
      losses_(zeros<float>(exec, static_cast<std::size_t>(WorldLoss::count))),
      dreward_(exec, elements(rows_, shape.scalars.outputs())),
      dcontinue_(exec, elements(rows_, 1)),
      dposterior_(exec, elements(rows_, shape.rssm.latents.statistics())),
      dprior_(exec, elements(rows_, shape.rssm.latents.statistics())),
      dtokens_(exec, elements(rows_, shape.rssm.tokens)),
      workspace_(exec, reduce_workspace(elements(rows_, 1))) {
  if (shape.continues) continue_.emplace(exec, shape.goes_on(), rows_, 1, p, "continue");
}

ObservationScan::Inputs WorldModel::scan_inputs() {
  return {start_, action_, batch_.first, tokens_, draws_};
}

void WorldModel::forward(Exec const& exec, SequenceReplay::Records const& batch,
                         RowDraws const& draws) {
  auto const cut = [&](In<float> x) {
    return x.slice(static_cast<std::size_t>(sequences_), elements(rows_, 1));
  };
  auto const rows = [&]<class T>(InRows<T> x, int first) {
    return InRows<T>(x.row(first), rows_, x.cols, x.stride);
  };
  observation_ = shape_.images ? Observation(rows(batch.picture, sequences_), kPixelOffset)
                               : Observation(rows(batch.observation, sequences_));
  batch_ = {{}, {}, {}, cut(batch.reward), cut(batch.first), cut(batch.last), cut(batch.goes_on)};
  action_ = rows(batch.action, 0);
  start_ =
      batch.latent.cols > 0
          ? InRows<float>(batch.latent.data, sequences_, batch.latent.cols, batch.latent.stride)
          : InRows<float>(nothing_.data(), sequences_, shape_.rssm.feature());
  draws_ = draws;
  tokens_ = encoder_.forward(exec, observation_);
  scan_.forward(exec, scan_inputs());
  InRows<float> const feature = scan_.feature();
  auto const total = [&](WorldLoss k) {
    visit(exec, [&](auto e) { sum(e, row_loss_.in(), loss(k), workspace_.out()); });
  };
  decoder_.forward(exec, feature);
  decoder_.loss(exec, observation_, row_loss_.out());
  total(WorldLoss::reconstruction);
  InRows<float> const reward = reward_.forward(exec, 0, {feature});
  scalars_.loss(exec, reward, batch_.reward, row_loss_.out());
  total(WorldLoss::reward);
  if (continue_) {
    InRows<float> const goes_on = continue_->forward(exec, 0, {feature});
    visit(exec, [&](auto e) {
      likelihood_loss(e, Likelihood::bernoulli, goes_on, {batch_.goes_on.data, rows_, 1},
                      row_loss_.out());
    });
    total(WorldLoss::goes_on);
  }
  latents_.divergence(exec, scan_.posterior(), scan_.prior(), kl_.out());
  visit(exec, [&](auto e) {
    free_bits(e, shape_.free_bits, kl_.in(), representation_.out(), dynamics_.out(),
              losses_.out().slice(static_cast<std::size_t>(WorldLoss::divergence), 2));
  });
  entropy_.sum(exec, scan_.posterior(), loss(WorldLoss::posterior_entropy));
  entropy_.sum(exec, scan_.prior(), loss(WorldLoss::prior_entropy));
}

void WorldModel::backward(Exec const& exec, OutRows<float> dfeature) {
  InRows<float> const feature = scan_.feature();
  OutRows<float> const dreward = matrix(dreward_, shape_.scalars.outputs()),
                       dcontinue = matrix(dcontinue_, 1),
                       dposterior = matrix(dposterior_, shape_.rssm.latents.statistics()),
                       dprior = matrix(dprior_, shape_.rssm.latents.statistics()),
                       dtokens = matrix(dtokens_, shape_.rssm.tokens);
  auto const head = [&](Stack& stack, OutRows<float> slope) {
    stack.backward(exec, 0, slope, {{dfeature, Result::add}});
    stack.weight_gradient(exec, {feature});
  };
  decoder_.backward(exec, observation_, reconstruction_.in(), feature, dfeature);
  scalars_.backward(exec, reward_.output(), batch_.reward, uniform_.in(), dreward);
  head(reward_, dreward);
  if (continue_) {
    visit(exec, [&](auto e) {
      likelihood_backward(e, Likelihood::bernoulli, continue_->output(),
                          {batch_.goes_on.data, rows_, 1}, continuation_.in(), dcontinue);
    });
    head(*continue_, dcontinue);
  }
  latents_.divergence_backward(exec, scan_.posterior(), scan_.prior(),
                               {representation_.in(), dynamics_.in()}, dposterior, dprior);
  scan_.backward(exec, scan_inputs(), dfeature, dposterior, dprior, dtokens);
  encoder_.backward(exec, dtokens);
}

}  // namespace loom
