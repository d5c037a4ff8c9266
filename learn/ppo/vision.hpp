#pragma once
// PPO's eyes: stacked pictures of every instance, and the encoder that makes features of them.
#include <learn/core/algorithm.hpp>
#include <learn/core/parameters.hpp>
#include <learn/core/tape.hpp>
#include <sim/core/pixels.hpp>

namespace loom {

struct VisionConfig {
  int size = 0;  ///< pixels a side; 0: the policy sees the state's own numbers
  int stack = 2;
  std::vector<int> filters = {16, 32}, kernels = {8, 4}, strides = {4, 2};
  int features = 128;

  void keys(Settings& s);
  /// Throws ConfigError when the lists do not match or the layers do not fit the picture.
  ConvEncoderShape shape() const;
};

/// Rollouts of one batch through an encoder: see, encode, choose, step. Networks stay the owner's.
class Vision {
 public:
  Vision(VectorEnv const& env, VisionConfig const& config, int steps);

  ConvEncoderShape const& shape() const { return shape_; }
  Pixels& pixels() { return pixels_; }

  /// The fused rollout's twin: fills `out`, then next_value (N) and, where the time limit ended an
  /// episode, final_value (T N). Can be captured.
  void roll_out(Exec const& exec, VectorEnv& env, In<float> encoder, PolicyView const& policy,
                RolloutView const& out, Out<float> next_value, Out<float> final_value);
  /// Actions for all instances of `env` as it stands, left in env.action().
  void act(Exec const& exec, VectorEnv& env, In<float> encoder, PolicyView const& policy);

 private:
  /// Features of what stands in observation_.
  InRows<float> encode(Exec const& exec, In<float> encoder);
  OutRows<std::uint8_t> observation() {
    return {observation_.data(), pixels_.num_envs(), pixels_.bytes()};
  }

  ConvEncoderShape shape_;
  Pixels pixels_;
  Buffer<std::uint8_t> observation_, workspace_;
  Buffer<float> features_, value_;
};

}  // namespace loom
