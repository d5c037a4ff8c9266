#pragma once
// The settings of Dreamer, and what they make of an environment.
#include <learn/core/settings.hpp>
#include <learn/dreamer/behaviour_shape.hpp>
#include <sim/core/spec.hpp>

namespace loom {

/// Defaults: version 3's.
struct DreamerConfig {
  std::string size = "custom";
  std::string core = "block", latents = "categorical", norm = "rms", activation = "silu";
  int units = 64, deter = 512, blocks = 8, groups = 32, classes = 4;
  int gaussian = 30;
  float least_deviation = 0.1F;
  bool squash = true, continues = true;
  int pixels = 0, depth = 4, kernel = 5;
  std::string images = "pooled";
  std::string heads = "two_hot";
  int encoder_layers = 3, decoder_layers = 3, prior_layers = 2, posterior_layers = 1;
  int reward_layers = 1, continue_layers = 1, actor_layers = 3, critic_layers = 3;
  int bins = 255;
  int steps = 1, batch = 16, length = 64, prefill = 0;
  float train_ratio = 1024;
  std::int64_t capacity = 5'000'000;
  bool online = true, stored_latents = true;
  int horizon = 15;
  float discount_horizon = 333, lambda = 0.95F, entropy_coefficient = 3e-4F;
  float unimix = 0.01F;
  float reward_scale = 1, reconstruction = 1, continuation = 1;
  float free_nats = 1, dynamics = 1, representation = 0.1F;
  bool joint_divergence = false, mean_divergence = false;
  std::string policy = "bounded_normal", gradient = "reinforce", imagination = "fused",
              observation = "fused";
  float action_noise = 0;
  std::string rewards = "arrival";
  bool returns_from_start = false, slow_targets = false;
  int slow_every = 1;
  bool scale_returns = true;
  float replay_loss = 0.3F, slow_loss = 1, slow_rate = 0.02F, actor_scale = 0.01F;
  std::string optimiser = "laprop";
  float learning_rate = 4e-5F, actor_learning_rate = 0, critic_learning_rate = 0, clip = 0.3F;
  float adam_epsilon = 1e-8F, weight_decay = 0;
  int warm_up = 1000;
  std::string evaluation = "sample";

  void keys(Settings& s);
  /// With the sizes that `size` names.
  DreamerConfig sized() const;
  /// Of the model, its actor and critic in such an environment. Throws ConfigError where sizes do not fit.
  BehaviourShape behaviour(EnvSpec const& spec) const;
  /// What a state is worth beside the one before it.
  float going_on() const { return 1.F - 1.F / discount_horizon; }
};

}  // namespace loom
