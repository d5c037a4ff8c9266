#pragma once
#include <kernels/core/buffer.hpp>
#include <kernels/nn/running_norm_body.hpp>

namespace loom {

/// Merges the observations of a rollout into running moments. Chan's update of a batch, the count an integer,
/// mean and variance carried with their rounding errors; on a fixed tree, so every machine has the same bits.
///
/// Shapes   x: [steps][N/64][O][64], of which the first `instances` <= N count; moments: (O) each, count (1);
///          workspace: running_norm_workspace(O) bytes, aligned to 16.
/// Units    inverse_deviation = 1 / sqrt(variance + epsilon), the population's variance.
/// Errors   ShapeError if sizes differ or there is no sample.
/// Source   Chan, Golub, LeVeque 1983, pairwise update.
void update_moments(Cpu exec, int steps, int instances, In<float> x, float epsilon,
                    RunningMoments moments, Out<std::uint8_t> workspace);
void update_moments(Gpu exec, int steps, int instances, In<float> x, float epsilon,
                    RunningMoments moments, Out<std::uint8_t> workspace);

/// y = clip((x - mean) * inverse_deviation, +-limit) of row-major rows. y may alias x.
///
/// Shapes   x, y: [B][O], any stride; mean, inverse_deviation: (O).
/// Errors   ShapeError if sizes differ.
void normalise_rows(Cpu exec, InRows<float> x, In<float> mean, In<float> inverse_deviation,
                    float limit, OutRows<float> y);
void normalise_rows(Gpu exec, InRows<float> x, In<float> mean, In<float> inverse_deviation,
                    float limit, OutRows<float> y);

/// The same of tiles [..][O][64].
void normalise_tiles(Cpu exec, In<float> x, In<float> mean, In<float> inverse_deviation,
                     float limit, Out<float> y);
void normalise_tiles(Gpu exec, In<float> x, In<float> mean, In<float> inverse_deviation,
                     float limit, Out<float> y);

/// Discounted returns of every instance, forwards: R = gamma R + r, and 0 again after an episode's last step.
/// Their deviation is what rewards are divided by.
///
/// Shapes   reward, terminated, truncated, returns: [steps][N/64][64]; running (R between calls, 0 at
///          first): [N/64][64].
/// Errors   ShapeError if sizes differ.
/// Source   Huang et al. 2022, "The 37 implementation details of PPO", reward scaling.
void discounted_return(Cpu exec, int steps, float gamma, In<float> reward,
                       In<std::uint8_t> terminated, In<std::uint8_t> truncated, Out<float> running,
                       Out<float> returns);
void discounted_return(Gpu exec, int steps, float gamma, In<float> reward,
                       In<std::uint8_t> terminated, In<std::uint8_t> truncated, Out<float> running,
                       Out<float> returns);

/// Bytes of workspace for `fields` fields.
std::size_t running_norm_workspace(int fields);

/// The normaliser of observations of `fields` fields: owns its moments; the identity before its first update.
class RunningNorm {
 public:
  RunningNorm(Exec const& exec, int fields, float limit = 10.F, float epsilon = 1e-8F);

  /// Both can be captured: `exec` is that of the constructor, on whatever stream.
  void update(Exec const& exec, int steps, int instances, In<float> x);
  void apply(Exec const& exec, InRows<float> x, OutRows<float> y) const;

  float limit() const { return limit_; }
  In<float> mean() const { return mean_.in(); }
  In<float> inverse_deviation() const { return inverse_deviation_.in(); }
  /// All there is to save and restore.
  RunningMoments moments();

 private:
  float limit_, epsilon_;
  Buffer<std::uint64_t> count_;
  Buffer<float> mean_, mean_low_, variance_, variance_low_, inverse_deviation_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
