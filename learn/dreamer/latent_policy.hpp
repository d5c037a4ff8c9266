#pragma once
// The policy at work: every instance has a latent state of its own, which follows what it sees and does.
#include <learn/core/algorithm.hpp>
#include <learn/dreamer/behaviour_shape.hpp>
#include <learn/dreamer/observations.hpp>

namespace loom {

/// Latent states of `rows` instances. Everything but the constructor can be captured in a graph.
class LatentPolicy {
 public:
  /// streams: the instances' random streams, one a row.
  LatentPolicy(Exec const& exec, BehaviourShape const& shape, ActionSpace const& space, int rows,
               std::uint64_t seed, Parameters& world, Parameters& actor);

  /// Takes in observations (rows, observation), numbers in any stride; first[i] != 0: an episode begins with it. Leaves
  /// the actions, draws or, with `mode`, the most probable ones.
  void act(Exec const& exec, Observation const& observation, In<float> first,
           ActionDraw const& how);
  /// The number of acts that random numbers are drawn for: act() counts it up.
  void set_acts(std::uint32_t acts);
  /// [h, z] after act(): (rows, feature).
  InRows<float> feature() const { return {feature_.data(), rows_, shape_.world.rssm.feature()}; }
  /// As the model sees them: one-hot, or scaled to [-1, 1] and not yet clipped: (rows, actions).
  InRows<float> action() const { return {action_.data(), rows_, shape_.world.rssm.actions}; }
  /// In the space's own units, not yet clipped: (rows, fields), discrete ones as indices.
  void actions(Exec const& exec, OutRows<float> to) const;
  /// Gives them to a batch of as many instances.
  void hand_over(Exec const& exec, VectorEnv& env);

  /// All that a continuation needs: f(name, view).
  template <class F>
  void each_state(F const& f) {
    f("feature", feature_.out());
    f("action", action_.out());
    f("acts", acts_.out());
  }

 private:
  BehaviourShape shape_;
  ActionSpace space_;
  int rows_;
  std::uint64_t seed_;
  ObservationEncoder encoder_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  Stack posterior_, actor_;
  Buffer<float> feature_, before_h_, before_z_, before_a_, action_, given_;
  Buffer<float> scale_, shift_;
  Buffer<std::int32_t> index_;
  Buffer<std::uint32_t> stream_, action_stream_, acts_;
};

}  // namespace loom
