#pragma once
// The deterministic path of a recurrent state-space model: h' = f(h, z, a).
#include <kernels/dream/rollout.hpp>
#include <learn/core/layer.hpp>
#include <learn/dreamer/latents.hpp>
#include <memory>

namespace loom {

/// Sizes and kind of a model's world: what every part of it must agree on.
///
/// Source   Hafner et al. 2019, "Learning latent dynamics for planning from pixels" (RSSM); 2020, 2021 and 2023
///          (Dreamer versions 1 to 3).
struct RssmShape {
  using Core = RssmCore;
  Core core = Core::block;
  int deter = 512;  ///< numbers of the deterministic state h
  int units = 64;   ///< of every hidden layer
  int blocks = 8;   ///< of the recurrent layers
  LatentsShape latents = {};
  int actions = 1;
  int tokens = 64;  ///< numbers that the encoder makes of an observation
  int prior_layers = 2, posterior_layers = 1;
  std::optional<Norm> norm = Norm::rms;  ///< of every hidden layer
  Activation activation = Activation::silu;
  bool fused = true;  ///< records are followed by one kernel, unless ObservationScan::refusal

  int stochastic() const { return latents.size(); }
  /// Columns of [h, z], what all heads see.
  int feature() const { return deter + stochastic(); }
  /// Throws ConfigError for sizes that do not fit each other.
  void check() const;
  /// `layers` hidden ones from these inputs to so many numbers; 0: the last hidden layer's.
  Stack::Shape stack(std::vector<int> inputs, int layers, int outputs,
                     float output_scale = 1.F) const;
  Stack::Shape prior() const { return stack({deter}, prior_layers, latents.statistics()); }
  Stack::Shape posterior() const {
    return stack({deter, tokens}, posterior_layers, latents.statistics());
  }
};

/// Whether hidden layers have the norms that kernels know: RMS beside core block, none beside the others.
inline bool normed_as_published(RssmShape const& s) {
  return s.core == RssmCore::block ? s.norm == Norm::rms : !s.norm.has_value();
}

/// The parts of [h, z].
template <class Rows>
Rows h_of(RssmShape const& s, Rows feature) {
  return {feature.data, feature.rows, s.deter, feature.stride};
}
template <class Rows>
Rows z_of(RssmShape const& s, Rows feature) {
  return {feature.data + s.deter, feature.rows, s.stochastic(), feature.stride};
}

/// Layers of these parameters as kernels take them.
std::vector<JointSource> joint_sources(Parameters& parameters,
                                       std::vector<ParameterShape> const& shapes);

/// Parameters and initial values of the recurrence under `name`.
std::vector<ParameterShape> recurrence_parameters(std::string const& name, RssmShape const& shape);
void initialise_recurrence(Exec const& exec, RssmShape const& shape, std::uint64_t seed,
                           std::uint32_t stream, Parameters& parameters, std::string const& name);

/// The recurrence at work; steps and memory as Layer's.
class Recurrence {
 public:
  virtual ~Recurrence() = default;

  /// next may be h's memory unless the recurrence trains.
  virtual void forward(Exec const& exec, int step, InRows<float> h, InRows<float> z,
                       InRows<float> a, OutRows<float> next) = 0;
  /// Gradients of an input; da may have data = nullptr.
  struct Gradients {
    OutRows<float> dh, dz, da{};
  };
  /// Overwrites them by those of sum(next dnext).
  virtual void backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext,
                        Gradients const& to) = 0;
  /// Inputs of all steps, one after the other.
  virtual void weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z,
                               InRows<float> a) = 0;
  /// Where kernels shall leave what forward() would have kept of all steps, to the end of `kept`; in the order of
  /// RssmLayers::add_recurrence.
  virtual void keep(std::vector<KeptLayer>& kept) = 0;
};

std::unique_ptr<Recurrence> make_recurrence(Exec const& exec, RssmShape const& shape, int rows,
                                            int steps, Parameters& parameters,
                                            std::string const& name, bool trains = true);

}  // namespace loom
