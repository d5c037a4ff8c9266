#include <cmath>
#include <kernels/linalg/accumulate.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/gaussian_likelihood.hpp>
#include <kernels/nn/squash.hpp>
#include <learn/vae/networks.hpp>
#include <learn/vae/training.hpp>

namespace loom {
VaeTraining::VaeTraining(Exec const& exec, VaeShape shape, int rows, Parameters& parameters)
    : shape_(std::move(shape)), rows_(rows), parameters_(parameters), tape_(exec) {
  shape_.check();
  require<ConfigError>(rows > 0, "vae: batches of ", rows, " rows (needs 1 or more)");
  auto const n = static_cast<std::size_t>(rows);
  x_ = Buffer<float>(exec, elements(rows, shape_.data));
  c_ = Buffer<float>(exec, elements(rows, shape_.condition));
  log_std_ = Buffer<float>(exec, elements(rows, shape_.latent));
  whole_log_std_ = Buffer<float>(exec, shape_.clamp_divergence ? 0 : log_std_.size());
  slope_ = Buffer<float>(exec, log_std_.size());
  kl_ = Buffer<float>(exec, n), distance_ = Buffer<float>(exec, n), loss_ = Buffer<float>(exec, n);
  to_output_ = uploaded(exec, std::vector<float>(n, row_weight()));
  dlog_variance_ = Buffer<float>(exec, shape_.learns_variance() ? n : 0);
  float const divergence = shape_.beta * shape_.divergence_weight() / static_cast<float>(rows);
  to_divergence_ = uploaded(exec, std::vector<float>(n, divergence));
  log_variance_ = uploaded(exec, std::vector<float>{std::log(shape_.variance)});
  sums_ = zeros<float>(exec, 2);
  workspace_ = Buffer<std::uint8_t>(exec, reduce_workspace(n));

  auto const encoder = shape_.encoder_layers(), decoder = shape_.decoder_layers();
  layers_.reserve(encoder.size() + decoder.size());
  auto const stack = [&](std::vector<LayerShape> const& all, std::string const& name) {
    for (std::size_t l = 0; l < all.size(); ++l) {
      layers_.emplace_back(exec, all[l], rows, 1, parameters, name + "." + std::to_string(l));
      record(layers_.back(), steps_.empty() ? std::nullopt : std::optional(last()), l == 0);
    }
  };
  if (shape_.has_image())
    steps_.push_back(tape_.encoder(ConvInput(x()), shape_.image, parameters.values("encoder_image"),
                                   parameters.gradient("encoder_image")));
  stack(encoder, "encoder");
  record_latent();
  stack(decoder, "decoder");
  for (int l = shape_.image.depth() - 1; shape_.has_image() && l >= 0; --l) {
    std::string const name = "decoder_image." + std::to_string(l);
    steps_.push_back(tape_.conv_transposed(last(), shape_.image.conv(l),
                                           l == 0 ? Activation::identity : shape_.activation,
                                           parameters.values(name), parameters.gradient(name)));
  }
  record_output();
}

void VaeTraining::record(Layer& layer, std::optional<Value> from, bool first) {
  std::size_t const own = steps_.size();
  auto const inputs = [this, from, first] {
    Layer::Inputs all{from ? tape_.value(*from) : x()};
    if (first && shape_.condition > 0) all.push_back(c());
    return all;
  };
  steps_.push_back(tape_.node(
      rows_, layer.shape().outputs, from ? std::vector<Value>{*from} : std::vector<Value>{},
      [this, &layer, own, inputs](Exec const& exec) {
        layer.forward(exec, 0, inputs(), tape_.value(steps_[own]));
      },
      [this, &layer, own, inputs](Exec const& exec, std::vector<OutRows<float>> const& dx) {
        layer.backward(exec, 0, tape_.value(steps_[own]), tape_.gradient(steps_[own]),
                       dx.empty() ? Layer::Gradients{} : Layer::Gradients{{dx[0]}});
        layer.weight_gradient(exec, inputs());
      }));
}

void VaeTraining::record_latent() {
  head_ = steps_.size() - 1, z_ = steps_.size();
  steps_.push_back(tape_.node(
      rows_, shape_.latent, {steps_[head_]}, [this](Exec const& exec) { latent_forward(exec); },
      [this](Exec const& exec, std::vector<OutRows<float>> const& dx) {
        latent_backward(exec, dx[0]);
      }));
}

void VaeTraining::latent_forward(Exec const& exec) {
  InRows<float> const head = tape_.value(steps_[head_]), mean = column_part(head, 0, 2),
                      raw = column_part(head, 1, 2);
  visit(exec, [&](auto e) {
    log_deviation(e, shape_.head, raw, latent(log_std_));
    if (!shape_.clamp_divergence)
      log_deviation(e, {.scale = shape_.head.scale}, raw, latent(whole_log_std_));
    gaussian_latent_sample(e, {mean, latent(log_std_)}, draws_, tape_.value(steps_[z_]));
    gaussian_latent_kl(e, {mean, seen()}, {}, kl_.out());
  });
}

void VaeTraining::latent_backward(Exec const& exec, OutRows<float> dhead) {
  InRows<float> const head = tape_.value(steps_[head_]), mean = column_part(head, 0, 2),
                      raw = column_part(head, 1, 2), dz = tape_.gradient(steps_[z_]);
  OutRows<float> const dmean = column_part(dhead, 0, 2), draw = column_part(dhead, 1, 2),
                       slope = latent(slope_);
  LogDeviation const of_divergence =
      shape_.clamp_divergence ? shape_.head : LogDeviation{.scale = shape_.head.scale};
  visit(exec, [&](auto e) {
    gaussian_latent_kl_backward(e, {mean, seen()}, {}, {to_divergence_.in(), {}}, {dmean, draw},
                                {});
    log_deviation_backward(e, of_divergence, raw, draw, draw);
    gaussian_latent_sample_backward(e, latent(log_std_), draws_, dz, slope);
    log_deviation_backward(e, shape_.head, raw, slope, draw, Result::add);
    accumulate(e, dz, dmean);
  });
}

void VaeTraining::record_output() {
  if (shape_.output == VaeShape::Output::tanh) {
    Value const from = last();
    std::size_t const own = steps_.size();
    steps_.push_back(tape_.node(
        rows_, shape_.data, {from},
        [this, from, own](Exec const& exec) {
          visit(exec, [&](auto e) {
            squash(e, Squash::tanh, shape_.output_scale, tape_.value(from),
                   tape_.value(steps_[own]));
          });
        },
        [this, own](Exec const& exec, std::vector<OutRows<float>> const& dx) {
          visit(exec, [&](auto e) {
            squash_backward(e, Squash::tanh, shape_.output_scale, tape_.value(steps_[own]),
                            tape_.gradient(steps_[own]), dx[0]);
          });
        }));
  }
  tape_.loss({last()}, [this](Exec const& exec, std::vector<OutRows<float>> const& dx) {
    visit(exec, [&](auto e) {
      likelihood_backward(e, distance(), output(), x(), to_output_.in(), dx[0]);
    });
  });
}

void VaeTraining::batch(Exec const& exec, InRows<float> x_rows, InRows<float> c_rows) {
  require(x_rows.rows == rows_ && x_rows.cols == shape_.data, "vae: a batch [", x_rows.rows, "][",
          x_rows.cols, "] (needs [", rows_, "][", shape_.data, "])");
  require(c_rows.cols == shape_.condition && (c_rows.cols == 0 || c_rows.rows == rows_),
          "vae: conditions [", c_rows.rows, "][", c_rows.cols, "] (needs [", rows_, "][",
          shape_.condition, "])");
  visit(exec, [&](auto e) {
    apply_activation(e, Activation::identity, x_rows, x());
    if (shape_.condition > 0)
      apply_activation(e, Activation::identity, c_rows, {c_.data(), rows_, shape_.condition});
  });
}

void VaeTraining::forward(Exec const& exec, RowDraws const& draws) {
  draws_ = draws;
  tape_.forward(exec);
  bool const bernoulli = shape_.likelihood == VaeShape::Likelihood::bernoulli;
  visit(exec, [&](auto e) {
    likelihood_loss(e, distance(), output(), x(), bernoulli ? loss_.out() : distance_.out());
    if (!bernoulli)
      gaussian_likelihood(e, shape_.data, row_weight(), distance_.in(),
                          log_variance_of(shape_, parameters_, log_variance_.in()), loss_.out(),
                          to_output_.out(), dlog_variance_.out());
    sum(e, loss_.in(), sums_.out().slice(0, 1), workspace_.out());
    sum(e, kl_.in(), sums_.out().slice(1, 1), workspace_.out());
  });
}

void VaeTraining::backward(Exec const& exec) {
  tape_.backward(exec);
  if (shape_.learns_variance())
    visit(exec, [&](auto e) {
      sum(e, dlog_variance_.in(), parameters_.gradient("log_variance"), workspace_.out());
    });
}

}  // namespace loom
