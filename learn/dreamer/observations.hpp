#pragma once
// Observations as a world model takes them in and predicts them: rows of numbers, or pictures.
#include <kernels/nn/likelihood.hpp>
#include <learn/dreamer/world_shape.hpp>
#include <sim/core/pixels.hpp>

namespace loom {

/// Numbers, or bytes of pictures, a row each.
using Observation = ConvInput;

/// What the instances of a batch show.
class Observer {
 public:
  Observer(VectorEnv const& env, WorldShape const& shape);

  /// Of all instances as they are: (num_envs, observation), valid until the next call.
  Observation observe(Exec const& exec, VectorEnv const& env);
  /// env.step().
  void step(Exec const& exec, VectorEnv& env);
  /// The last ones of the episodes that the latest step ended; other rows mean nothing.
  Observation last(Exec const& exec, VectorEnv const& env);

 private:
  OutRows<float> numbers(Buffer<float>& b) const { return {b.data(), num_envs_, width_}; }

  int num_envs_, width_;
  std::optional<Pixels> pixels_;
  Buffer<float> observation_, last_observation_;
  Buffer<std::uint8_t> pictures_;
};

/// Tokens of observations.
class ObservationEncoder {
 public:
  /// `rows` observations at a time; without `trains` only forward() may be called.
  ObservationEncoder(Exec const& exec, WorldShape const& shape, int rows, Parameters& world,
                     bool trains = true);

  /// (rows, tokens), valid until the next call.
  InRows<float> forward(Exec const& exec, Observation const& observation);
  /// Gradient of the parameters; dtokens is used up.
  void backward(Exec const& exec, OutRows<float> dtokens);

 private:
  OutRows<float> seen() { return {seen_.data(), rows_, width_}; }

  int rows_, width_;
  bool squash_;
  std::optional<Stack> numbers_;
  std::optional<ImageStack> images_;
  Buffer<float> seen_;             // numbers as the model sees them
  InRows<std::uint8_t> pictures_;  // of the last forward()
};

/// Observations predicted from latent states.
class ObservationDecoder {
 public:
  ObservationDecoder(Exec const& exec, WorldShape const& shape, int rows, Parameters& world,
                     bool trains = true);

  void forward(Exec const& exec, InRows<float> feature);
  /// After forward(): a row's, summed over its numbers.
  void loss(Exec const& exec, Observation const& target, Out<float> loss);
  /// After forward(feature): gradients of sum(dloss loss), of the parameters and += dfeature.
  void backward(Exec const& exec, Observation const& target, In<float> dloss, InRows<float> feature,
                OutRows<float> dfeature);
  /// What a feature, (rows, feature), looks like: in the environment's units, colours in [0, 1]; on the host.
  std::vector<float> predict(Exec const& exec, InRows<float> feature);

 private:
  Likelihood likelihood() const;
  InRows<float> output();

  WorldShape shape_;
  int rows_;
  std::optional<Stack> numbers_;
  std::optional<ImageDecoder> images_;
  Buffer<float> slope_;
};

}  // namespace loom
