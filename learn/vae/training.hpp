#pragma once
// The loss of a variational autoencoder and its gradient.
#include <kernels/nn/gaussian_latent.hpp>
#include <kernels/nn/likelihood.hpp>
#include <learn/core/tape.hpp>
#include <learn/vae/shape.hpp>

namespace loom {

/// One batch of `rows` rows, in order: batch(), forward(), backward(). Memory is taken by the constructor;
/// all calls can be captured in a graph.
class VaeTraining {
 public:
  /// The parameters must outlive it.
  VaeTraining(Exec const& exec, VaeShape shape, int rows, Parameters& parameters);
  VaeTraining(VaeTraining const&) = delete;
  VaeTraining& operator=(VaeTraining const&) = delete;

  /// Takes over x: (rows, data) and, where there is a condition, c: (rows, condition), any strides.
  void batch(Exec const& exec, InRows<float> x, InRows<float> c = {});
  /// Draws z of the posterior, decodes it and measures both losses.
  void forward(Exec const& exec, RowDraws const& draws);
  /// Overwrites the gradient of all parameters by that of the loss.
  void backward(Exec const& exec);

  /// (2): reconstruction and divergence in nats, summed over numbers and rows, device memory.
  In<float> sums() const { return sums_.in(); }
  VaeShape const& shape() const { return shape_; }
  int rows() const { return rows_; }

 private:
  using Value = GradientTape::Value;

  /// A layer that reads what an earlier node made, or x, and, the first of its stack, the condition as well.
  void record(Layer& layer, std::optional<Value> from, bool first);
  void record_latent();
  void record_output();
  void latent_forward(Exec const& exec);
  void latent_backward(Exec const& exec, OutRows<float> dhead);
  Value const& last() const { return steps_.back(); }
  OutRows<float> x() { return {x_.data(), rows_, shape_.data}; }
  InRows<float> c() { return {c_.data(), rows_, shape_.condition}; }
  OutRows<float> latent(Buffer<float>& b) { return {b.data(), rows_, shape_.latent}; }
  /// The log-deviations that the divergence is of.
  OutRows<float> seen() { return latent(shape_.clamp_divergence ? log_std_ : whole_log_std_); }
  InRows<float> output() { return tape_.value(last()); }
  loom::Likelihood distance() const {
    return shape_.likelihood == VaeShape::Likelihood::bernoulli ? Likelihood::bernoulli
                                                                : Likelihood::squared;
  }
  float row_weight() const { return shape_.reconstruction_weight() / static_cast<float>(rows_); }

  VaeShape shape_;
  int rows_;
  Parameters& parameters_;
  GradientTape tape_;
  std::vector<Layer> layers_;
  std::vector<Value> steps_;  // results of the nodes, in order
  std::size_t head_ = 0, z_ = 0;
  Buffer<float> x_, c_, log_std_, whole_log_std_, slope_;
  Buffer<float> kl_, distance_, loss_, to_output_, dlog_variance_, to_divergence_, log_variance_;
  Buffer<float> sums_;
  Buffer<std::uint8_t> workspace_;
  RowDraws draws_;
};

}  // namespace loom
