#pragma once
// LaProp with adaptive gradient clipping: Dreamer version 3's optimiser.
#include <kernels/core/buffer.hpp>
#include <kernels/nn/laprop_body.hpp>
#include <vector>

namespace loom {

/// Throws ConfigError unless every coefficient is in range.
void check(LaPropConfig const& config);

/// One step in four launches; counters, rate and norms live in device memory, so a captured graph replays
/// it. A gradient that is not finite changes nothing but the norm and the count of skipped steps.
///
/// Shapes   as LaPropState says; parameters, gradient: (n), n < 2^31; learning_rate: (1).
/// Bits     the same on every machine.
/// Errors   ShapeError if sizes differ; ConfigError if a coefficient is out of range.
/// Source   Ziyin et al. 2020, "LaProp: separating momentum and adaptivity in Adam"; Brock et al. 2021,
///          "High-performance large-scale image recognition without normalization" (clipping, here a
///          tensor at a time); composed as in Hafner et al. 2023.
void laprop_step(Cpu exec, LaPropConfig const& config, LaPropState const& state,
                 In<float> learning_rate, In<float> gradient, Out<float> parameters);
void laprop_step(Gpu exec, LaPropConfig const& config, LaPropState const& state,
                 In<float> learning_rate, In<float> gradient, Out<float> parameters);

/// The optimiser of one parameter buffer that holds tensors one after the other.
class LaProp {
 public:
  /// tensors: their sizes, in the buffer's order. Throws ConfigError for a coefficient out of range or an
  /// empty tensor.
  LaProp(Exec const& exec, std::vector<std::size_t> const& tensors, LaPropConfig config);

  /// Can be captured: `exec` is that of the constructor, on whatever stream.
  void step(Exec const& exec, Out<float> parameters, In<float> gradient, In<float> learning_rate);

  LaPropConfig const& config() const { return config_; }
  /// Of the whole last gradient, before clipping; not finite if the step was skipped.
  In<float> norm() const { return words_.in().slice(0, 1); }
  /// Steps taken, steps skipped.
  In<std::int32_t> counters() const { return counters_.in(); }
  /// All there is to save and restore: both moments and counters.
  Out<float> momentum() { return momentum_.out(); }
  Out<float> second_moment() { return second_moment_.out(); }
  Out<std::int32_t> counters() { return counters_.out(); }

 private:
  LaPropConfig config_;
  Buffer<float> momentum_, second_moment_, words_, sums_, scales_;
  Buffer<std::int32_t> counters_, tensors_;
  Buffer<LaPropSlab> slabs_;
};

}  // namespace loom
