#pragma once
#include <kernels/core/buffer.hpp>
#include <kernels/nn/adam_body.hpp>

namespace loom {

/// One step of Adam or AdamW with the gradient clipped to a global norm, in three launches. The
/// step counter, the learning rate and the norm live in device memory, so a captured graph replays
/// it. A gradient whose norm is not finite changes nothing but state.words[0] and the count of
/// skipped steps.
///
/// Shapes   parameters, gradient, both moments: (n), n < 2^31; learning_rate: (1); words: (3);
///          counters: (2); workspace: reduce_workspace(n) bytes, aligned to 16. All of state starts
///          at 0.
/// Errors   ShapeError if sizes differ; ConfigError if a coefficient is out of range.
/// Source   Kingma and Ba 2015; Loshchilov and Hutter 2019; both as PyTorch has them (epsilon
/// outside of
///          the root), with torch.nn.utils.clip_grad_norm_.
void adam_step(Cpu exec, AdamConfig const& config, AdamState state, In<float> learning_rate,
               In<float> gradient, Out<float> parameters, Out<std::uint8_t> workspace);
void adam_step(Gpu exec, AdamConfig const& config, AdamState state, In<float> learning_rate,
               In<float> gradient, Out<float> parameters, Out<std::uint8_t> workspace);

/// Throws ConfigError unless every coefficient is in range.
void check(AdamConfig const& config);

/// The optimiser of one parameter buffer: owns its moments and counters.
class Adam {
 public:
  Adam(Exec const& exec, std::size_t n, AdamConfig config);

  /// Can be captured: `exec` is that of the constructor, on whatever stream. learning_rate: one
  /// number in device memory.
  void step(Exec const& exec, Out<float> parameters, In<float> gradient, In<float> learning_rate);

  AdamConfig const& config() const { return config_; }
  /// Of the last gradient, before clipping; not finite if the step was skipped.
  In<float> norm() const { return words_.in().slice(0, 1); }
  /// Steps taken, steps skipped.
  In<std::int32_t> counters() const { return counters_.in(); }
  /// All there is to save and restore: both moments and counters.
  Out<float> first_moment() { return first_moment_.out(); }
  Out<float> second_moment() { return second_moment_.out(); }
  Out<std::int32_t> counters() { return counters_.out(); }

 private:
  AdamConfig config_;
  Buffer<float> first_moment_, second_moment_, words_;
  Buffer<std::int32_t> counters_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
