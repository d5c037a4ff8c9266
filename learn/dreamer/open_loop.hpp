#pragma once
// A world model at work for people who look at it: following a batch, and dreaming on from there.
#include <learn/dreamer/latent_policy.hpp>
#include <memory>

namespace loom {

/// `rows` latent states that follow the prior alone. Row r draws from stream r.
class OpenLoop {
 public:
  OpenLoop(Exec const& exec, RssmShape const& shape, int rows, std::uint64_t seed,
           Parameters& world);

  /// From these states, (rows, feature).
  void begin(Exec const& exec, InRows<float> feature);
  /// action: (rows, actions), as LatentPolicy::action.
  void step(Exec const& exec, InRows<float> action);
  InRows<float> feature() const { return {feature_.data(), rows_, shape_.feature()}; }

 private:
  RssmShape shape_;
  int rows_;
  std::uint64_t seed_;
  std::unique_ptr<Recurrence> recurrence_;
  Stack prior_;
  Latents latents_;
  Buffer<float> feature_, action_, no_first_;
  Buffer<std::uint32_t> streams_, tick_;
};

/// The policy in a batch from the start of its episodes on.
class Watcher {
 public:
  Watcher(VectorEnv& env, BehaviourShape const& shape, Parameters& world, Parameters& actor);

  /// Takes in the observations of every instance and chooses actions. (instances, observation) on the host, colours in
  /// [0, 1].
  std::vector<float> see();
  /// Steps the batch. Of every instance: whether that ended its episode.
  std::vector<bool> step();
  LatentPolicy const& policy() const { return policy_; }

 private:
  VectorEnv& env_;
  Observer observer_;
  LatentPolicy policy_;
  Buffer<float> first_;
};

}  // namespace loom
