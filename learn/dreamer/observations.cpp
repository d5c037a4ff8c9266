#include <algorithm>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/likelihood_body.hpp>
#include <learn/dreamer/observations.hpp>
#include <sim/core/rows.hpp>

namespace loom {

// ---- Observer ----

Observer::Observer(VectorEnv const& env, WorldShape const& shape)
    : num_envs_(env.num_envs()), width_(shape.observation) {
  Exec const& exec = env.exec();
  if (shape.images) {
    // One picture: what moves is for the recurrent state to know.
    pixels_.emplace(env, PixelConfig{shape.images->size, 1}, 1);
    pictures_ = Buffer<std::uint8_t>(exec, elements(pixels_->num_envs(), width_));
  } else {
    observation_ = Buffer<float>(exec, elements(num_envs_, width_));
    last_observation_ = Buffer<float>(exec, elements(num_envs_, width_));
  }
}

Observation Observer::observe(Exec const& exec, VectorEnv const& env) {
  if (pixels_) {
    pixels_->begin(exec);
    pixels_->see(exec, env, 0);
    pixels_->observe(exec, 0, {pictures_.data(), pixels_->num_envs(), width_});
    return {InRows<std::uint8_t>(pictures_.data(), num_envs_, width_), kPixelOffset};
  }
  EnvMemory const& m = env.memory();
  visit(exec, [&](auto e) {
    rows_from_tiles(e, {m.observation.data, m.observation.fields}, numbers(observation_));
  });
  return numbers(observation_);
}

void Observer::step(Exec const& exec, VectorEnv& env) {
  if (pixels_)
    pixels_->step(exec, env, {}, 0);
  else
    env.step(exec);
}

Observation Observer::last(Exec const& exec, VectorEnv const& env) {
  if (pixels_) {
    InRows<std::uint8_t> const frames = pixels_->last_frames();
    return {InRows<std::uint8_t>(frames.data, num_envs_, width_), kPixelOffset};
  }
  EnvMemory const& m = env.memory();
  visit(exec, [&](auto e) {
    rows_from_tiles(e, {m.final_observation.data, m.final_observation.fields},
                    numbers(last_observation_));
  });
  return numbers(last_observation_);
}

// ---- ObservationEncoder ----

ObservationEncoder::ObservationEncoder(Exec const& exec, WorldShape const& shape, int rows,
                                       Parameters& world, bool trains)
    : rows_(rows), width_(shape.observation), squash_(shape.squash) {
  if (shape.images) {
    images_.emplace(exec, shape.images->encoder(), rows, world, "encoder", 0, trains);
  } else {
    numbers_.emplace(exec, shape.encoder(), rows, 1, world, "encoder", trains);
    seen_ = Buffer<float>(exec, elements(rows, width_));
  }
}

InRows<float> ObservationEncoder::forward(Exec const& exec, Observation const& observation) {
  if (images_) {
    pictures_ = observation.bytes;
    return images_->forward(exec, ConvInput(pictures_, kPixelOffset));
  }
  visit(exec, [&](auto e) {
    apply_activation(e, Activation::identity, observation.floats, seen());
    if (squash_) symlog(e, seen_.in(), seen_.out());
  });
  return numbers_->forward(exec, 0, {seen()});
}

void ObservationEncoder::backward(Exec const& exec, OutRows<float> dtokens) {
  if (images_) return images_->backward(exec, ConvInput(pictures_, kPixelOffset), dtokens);
  numbers_->backward(exec, 0, dtokens);
  numbers_->weight_gradient(exec, {seen()});
}

// ---- ObservationDecoder ----

ObservationDecoder::ObservationDecoder(Exec const& exec, WorldShape const& shape, int rows,
                                       Parameters& world, bool trains)
    : shape_(shape), rows_(rows), slope_(exec, trains ? elements(rows, shape.observation) : 0) {
  if (shape.images)
    images_.emplace(exec, *shape.images, rows, world, "decoder", trains);
  else
    numbers_.emplace(exec, shape.decoder(), rows, 1, world, "decoder", trains);
}

Likelihood ObservationDecoder::likelihood() const {
  if (!shape_.squash) return Likelihood::normal;
  return images_ ? Likelihood::sigmoid_squared : Likelihood::symlog_squared;
}

InRows<float> ObservationDecoder::output() {
  return images_ ? images_->output() : numbers_->output();
}

void ObservationDecoder::forward(Exec const& exec, InRows<float> feature) {
  if (images_)
    images_->forward(exec, feature);
  else
    numbers_->forward(exec, 0, {feature});
}

namespace {

/// Sigmoids are in [0, 1], means are of what the encoder sees.
float offset_of(bool squash) { return squash ? 0.F : kPixelOffset; }

}  // namespace

void ObservationDecoder::loss(Exec const& exec, Observation const& target, Out<float> loss) {
  visit(exec, [&](auto e) {
    if (images_)
      likelihood_loss(e, likelihood(), output(), target.bytes, offset_of(shape_.squash), loss);
    else
      likelihood_loss(e, likelihood(), output(), target.floats, loss);
  });
}

void ObservationDecoder::backward(Exec const& exec, Observation const& target, In<float> dloss,
                                  InRows<float> feature, OutRows<float> dfeature) {
  OutRows<float> const slope(slope_.data(), rows_, shape_.observation);
  visit(exec, [&](auto e) {
    if (images_)
      likelihood_backward(e, likelihood(), output(), target.bytes, offset_of(shape_.squash), dloss,
                          slope);
    else
      likelihood_backward(e, likelihood(), output(), target.floats, dloss, slope);
  });
  if (images_) return images_->backward(exec, feature, slope, dfeature);
  numbers_->backward(exec, 0, slope, {{dfeature, Result::add}});
  numbers_->weight_gradient(exec, {feature});
}

std::vector<float> ObservationDecoder::predict(Exec const& exec, InRows<float> feature) {
  forward(exec, feature);
  InRows<float> const decoded = output();
  std::vector<float> all =
      download(exec, In<float>(decoded.data, elements(rows_, shape_.observation)));
  for (float& x : all) {
    if (images_)
      x = shape_.squash ? math::sigmoid(x) : std::clamp(x - kPixelOffset, 0.F, 1.F);
    else if (shape_.squash)
      x = symexp(x);
  }
  return all;
}

}  // namespace loom
