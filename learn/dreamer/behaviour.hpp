#pragma once
// Actor and critic of Dreamer, which learn from imagined trajectories alone.
#include <kernels/dream/actor.hpp>
#include <kernels/dream/return_range.hpp>
#include <kernels/dream/tanh_actor.hpp>
#include <kernels/dream/truncated_actor.hpp>
#include <learn/dreamer/world_model.hpp>
#include <memory>

namespace loom {

struct BehaviourShape {
  WorldShape world;
  using Policy = DreamPolicy;
  Policy policy = Policy::categorical;
  /// reinforce: the score function (version 3). dynamics: through the model's own gradient (versions 1 and
  /// 2).
  enum class Gradient { reinforce, dynamics };
  Gradient gradient = Gradient::reinforce;
  int horizon = 15;
  bool fused = true;  ///< imagination as one kernel, where Imagination::serves
  int actor_layers = 3, critic_layers = 3;
  float gamma = 1.F;  ///< beside the predicted continuation, which holds the discount already
  float lambda = 0.95F;
  float replay_loss = 0.3F;   ///< weight of the critic's loss on recorded rewards (reinforce)
  float slow_rate = 0.02F;    ///< of the average of the critic that it is held to (reinforce)
  bool scale_returns = true;  ///< advantages by the range of returns (reinforce)
  bool from_start = false;    ///< returns of the recorded states as well (dynamics, version 2)
  bool slow_targets = false;  ///< returns with the slow critic's values (dynamics, version 2)
  ActorConfig actor = {};
  ReturnRangeConfig range = {};
  TanhActor tanh = {};

  int actor_outputs() const {
    return policy == Policy::categorical ? world.rssm.actions : 2 * world.rssm.actions;
  }
  Stack::Shape actor_stack() const;
  Stack::Shape critic_stack() const;
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

/// Sums over the imagined rows.
enum class BehaviourLoss : int { actor, entropy, critic, returns, values, replay_critic, count };

/// H imagined steps from each of N states, and the losses on them.
class Behaviour {
 public:
  virtual ~Behaviour() = default;

  /// Rows of random numbers that learn() needs.
  static int draws(int starts, int horizon) { return 2 * starts * horizon; }

  /// Imagines from the features of a batch and leaves the gradients of actor and critic in their parameters,
  /// and in dfeature (N, feature) what the critic's loss on the records asks of the model.
  virtual void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
                     RowDraws const& draws, OutRows<float> dfeature) = 0;

  /// (BehaviourLoss::count).
  In<float> losses() const { return losses_.in(); }
  /// Rows that the actor learns from.
  virtual int rows() const = 0;
  /// (3): as update_return_range; 0 where returns are not scaled.
  Out<float> range() { return range_.out(); }

 protected:
  explicit Behaviour(Exec const& exec)
      : range_(zeros<float>(exec, 3)),
        losses_(zeros<float>(exec, static_cast<std::size_t>(BehaviourLoss::count))) {}
  Out<float> loss(BehaviourLoss k) { return losses_.out().slice(static_cast<std::size_t>(k), 1); }

  Buffer<float> range_, losses_;
};

/// sequences, steps: of the batch whose states trajectories start from, N = sequences * steps.
///
/// Source   reinforce: Hafner et al. 2023, "Mastering diverse domains through world models", equations 5 to 8;
///          dynamics: Hafner et al. 2020, "Dream to control", equations 6 to 8; 2021, equations 4 to 6.
std::unique_ptr<Behaviour> make_behaviour(Exec const& exec, BehaviourShape const& shape,
                                          int sequences, int steps, Parameters& world,
                                          Parameters& actor, Parameters& critic,
                                          Parameters& slow_critic);

}  // namespace loom
