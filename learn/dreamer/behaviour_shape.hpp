#pragma once
// Sizes and kind of Dreamer's actor and critic, their parameters, and draws from the policy.
#include <kernels/dream/actor.hpp>
#include <kernels/dream/horizon.hpp>
#include <kernels/dream/return_range.hpp>
#include <kernels/dream/tanh_actor.hpp>
#include <learn/dreamer/world_shape.hpp>

namespace loom {

struct BehaviourShape {
  WorldShape world;
  using Policy = DreamPolicy;
  Policy policy = Policy::categorical;
  /// reinforce: the score function (version 3; version 2 of discrete actions). dynamics: through the model's own
  /// gradient (versions 1 and 2; the first revision of version 3, of continuous actions).
  enum class Gradient { reinforce, dynamics };
  Gradient gradient = Gradient::reinforce;
  RewardTiming rewards = RewardTiming::arrival;  ///< departure: versions 1 and 2
  bool from_start = false;  ///< departure: returns of the recorded states as well (version 2)
  int horizon = 15;
  bool fused = true;  ///< imagination as one kernel, where Imagination::serves
  int actor_layers = 3, critic_layers = 3;
  float actor_scale = 0.01F;  ///< of the initial weights of the policy's last layer
  float gamma = 1.F;  ///< beside the predicted continuation, which holds the discount already
  float lambda = 0.95F;
  bool slow_targets = false;  ///< returns with the slow critic's values (version 2)
  float slow_rate = 0.02F;    ///< of the average of the critic
  float slow_loss = 1.F;      ///< weight of the critic's loss on the slow critic's values
  float replay_loss = 0.3F;   ///< weight of the critic's loss on recorded rewards
  bool scale_returns = true;  ///< advantages by the range of returns
  ActorConfig actor = {};
  ReturnRangeConfig range = {};
  TanhActor tanh = {};

  int actor_outputs() const {
    return policy == Policy::categorical ? world.rssm.actions : 2 * world.rssm.actions;
  }
  /// Returns begin at state first() of a trajectory and are times() many.
  int first() const { return rewards == RewardTiming::departure && !from_start ? 1 : 0; }
  int times() const { return horizon - first(); }
  bool through_model() const { return gradient == Gradient::dynamics; }
  /// Whether the recorded states are judged after the imagined ones as well.
  bool on_records() const { return replay_loss > 0; }
  /// States of a trajectory, and those that are judged.
  int states() const { return horizon + 1 + (on_records() ? 1 : 0); }
  int judged() const { return states() - first(); }
  Stack::Shape actor_stack() const;
  Stack::Shape critic_stack() const;
  /// Throws ConfigError for parts that do not go together.
  void check() const;
};

std::vector<ParameterShape> actor_parameters(BehaviourShape const& shape);
std::vector<ParameterShape> critic_parameters(BehaviourShape const& shape);
void initialise_behaviour(Exec const& exec, BehaviourShape const& shape, std::uint64_t seed,
                          Parameters& actor, Parameters& critic);

/// A draw from a policy or its mode, as a row for the model and, of discrete actions, an index. `explores`: with
/// the noise that a policy in its environment has.
struct ActionDraw {
  bool mode = false, explores = false;
};
void draw_action(Exec const& exec, BehaviourShape const& shape, InRows<float> output,
                 ActionDraw const& how, RowDraws const& draws, OutRows<float> action,
                 Out<std::int32_t> index);

}  // namespace loom
