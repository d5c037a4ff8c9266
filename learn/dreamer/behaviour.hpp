#pragma once
// Actor and critic of Dreamer, which learn from imagined trajectories alone.
#include <kernels/dream/actor.hpp>
#include <kernels/dream/return_range.hpp>
#include <learn/dreamer/world_model.hpp>

namespace loom {

struct BehaviourShape {
  WorldShape world;
  bool discrete = true;
  int horizon = 15;
  int actor_layers = 3, critic_layers = 3;
  float gamma = 1.F;  ///< beside the predicted continuation, which holds the discount already
  float lambda = 0.95F;
  float replay_loss = 0.3F;  ///< weight of the critic's loss on recorded rewards
  float slow_rate = 0.02F;   ///< of the average of the critic that it is held to
  ActorConfig actor = {};
  ReturnRangeConfig range = {};

  int actor_outputs() const { return discrete ? world.rssm.actions : 2 * world.rssm.actions; }
  Stack::Shape actor_stack() const;
  Stack::Shape critic_stack() const;
};

std::vector<ParameterShape> actor_parameters(BehaviourShape const& shape);
std::vector<ParameterShape> critic_parameters(BehaviourShape const& shape);
void initialise_behaviour(Exec const& exec, BehaviourShape const& shape, std::uint64_t seed,
                          Parameters& actor, Parameters& critic);

/// What an actor's output means: a draw or the mode as a row for the model and, of discrete actions, an index.
void draw_action(Exec const& exec, BehaviourShape const& shape, InRows<float> output, bool mode,
                 RowDraws const& draws, OutRows<float> action, Out<std::int32_t> index);

/// Sums over the imagined rows.
enum class BehaviourLoss : int { actor, entropy, critic, returns, values, replay_critic, count };

/// H imagined steps from each of N states, and the losses on them. Random numbers as RowDraws of
/// draws(N, H) rows.
///
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models", equations 5 to 8.
class Behaviour {
 public:
  /// sequences, steps: of the batch whose states trajectories start from, N = sequences * steps.
  Behaviour(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
            Parameters& world, Parameters& actor, Parameters& critic, Parameters& slow_critic);

  /// Rows of random numbers that learn() needs.
  static int draws(int starts, int horizon) { return 2 * starts * horizon; }

  /// Imagines from the features of a batch and leaves the gradients of actor and critic in their parameters,
  /// and in dfeature (N, feature) what the critic's loss on the records asks of the model.
  void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
             RowDraws const& draws, OutRows<float> dfeature);

  /// (BehaviourLoss::count).
  In<float> losses() const { return losses_.in(); }
  int rows() const { return starts_ * shape_.horizon; }
  /// (3): as update_return_range.
  Out<float> range() { return range_.out(); }

 private:
  void imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws);
  void value_targets(Exec const& exec, SequenceReplay::Records const& batch);
  void critic_gradient(Exec const& exec, SequenceReplay::Records const& batch,
                       OutRows<float> dfeature);
  void actor_gradient(Exec const& exec);
  /// Imagined states at one time, 0 to H; H + 1: the recorded ones again, for the critic.
  OutRows<float> slab(int t);
  std::size_t count(int times) const;
  Out<float> loss(BehaviourLoss k) { return losses_.out().slice(static_cast<std::size_t>(k), 1); }

  BehaviourShape shape_;
  int sequences_, steps_, starts_;
  Recurrence recurrence_;
  Stack prior_, reward_, continue_, actor_, critic_, slow_critic_;
  Buffer<float> bins_, feature_, action_, before_a_, no_first_;
  Buffer<std::int32_t> index_, latent_index_;
  Buffer<float> imagined_reward_, value_, slow_value_, discount_, weight_, target_;
  Buffer<float> dloss_, critic_loss_, log_normaliser_, dcritic_, dactor_, actor_loss_, entropy_;
  Buffer<float> range_, losses_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
