#pragma once
// The deterministic path of a recurrent state-space model: h' = f(h, z, a).
#include <learn/core/layer.hpp>

namespace loom {

/// Sizes of a model's world: what every part of it must agree on.
///
/// Source   Hafner et al. 2019, "Learning latent dynamics for planning from pixels" (RSSM); 2023 (blocks).
struct RssmShape {
  int deter = 512;               ///< numbers of the deterministic state h
  int units = 64;                ///< of every hidden layer
  int blocks = 8;                ///< of the recurrent layers
  int groups = 32, classes = 4;  ///< of the stochastic state z: one-hots side by side
  float unimix = 0.01F;
  int actions = 1;
  int tokens = 64;  ///< numbers that the encoder makes of an observation
  int prior_layers = 2, posterior_layers = 1;

  int stochastic() const { return groups * classes; }
  /// Columns of [h, z], what all heads see.
  int feature() const { return deter + stochastic(); }
  /// Throws ConfigError for sizes that do not fit each other.
  void check() const;
  Stack::Shape prior() const;
  Stack::Shape posterior() const;
};

/// Parameters and initial values of the recurrence under `name`.
std::vector<ParameterShape> recurrence_parameters(std::string const& name, RssmShape const& shape);
void initialise_recurrence(Exec const& exec, RssmShape const& shape, std::uint64_t seed,
                           std::uint32_t stream, Parameters& parameters, std::string const& name);

/// Version 3's: h, z and a each through a layer; one block-diagonal layer of h and all of them; the gates.
/// Steps and memory as Layer's.
class Recurrence {
 public:
  Recurrence(Exec const& exec, RssmShape const& shape, int rows, int steps, Parameters& parameters,
             std::string const& name, bool trains = true);

  /// next may be h's memory.
  void forward(Exec const& exec, int step, InRows<float> h, InRows<float> z, InRows<float> a,
               OutRows<float> next);
  /// Overwrites dh and dz by the gradients of sum(next dnext).
  void backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext, OutRows<float> dh,
                OutRows<float> dz);
  /// Inputs of all steps, one after the other.
  void weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z, InRows<float> a);

 private:
  OutRows<float> at(Buffer<float>& b, int step, int cols) const;
  OutRows<float> third(OutRows<float> x, int k) const;

  RssmShape shape_;
  int rows_, steps_;
  bool trains_;
  Layer from_h_, from_z_, from_a_, core_, gates_;
  Buffer<float> inputs_, inner_,
      sums_;  // all three inputs' layers, the core's output, the gates' sums
  Buffer<float> dinputs_, dinner_, dsums_;
};

}  // namespace loom
