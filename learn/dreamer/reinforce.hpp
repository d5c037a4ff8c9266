#pragma once
// Version 3's behaviour: the score function on detached trajectories, so imagination runs forwards only.
#include <learn/dreamer/imagination.hpp>

namespace loom {

class ReinforceBehaviour final : public Behaviour {
 public:
  ReinforceBehaviour(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
                     Parameters& world, Parameters& actor, Parameters& critic,
                     Parameters& slow_critic);

  void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
             RowDraws const& draws, OutRows<float> dfeature) override;
  int rows() const override { return starts_ * shape_.horizon; }

 private:
  void imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws);
  void imagine_layer_by_layer(Exec const& exec, RowDraws const& draws);
  void value_targets(Exec const& exec, SequenceReplay::Records const& batch);
  void critic_gradient(Exec const& exec, SequenceReplay::Records const& batch,
                       OutRows<float> dfeature);
  void actor_gradient(Exec const& exec);
  /// Imagined states at one time, 0 to H; H + 1: the recorded ones again, for the critic.
  OutRows<float> slab(int t);
  std::size_t count(int times) const;
  /// Rows and steps of the actor's layers: the kernel hands over all steps at once.
  static int actor_rows(Exec const& exec, BehaviourShape const& shape, int starts) {
    return Imagination::serves(exec, shape) ? starts * shape.horizon : starts;
  }

  BehaviourShape shape_;
  int sequences_, steps_, starts_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  std::optional<Imagination> imagination_;
  Stack prior_, reward_, actor_, critic_, slow_critic_;
  std::optional<Stack> continue_;
  Scalars rewards_, values_;
  Buffer<float> feature_, action_, before_a_, no_first_;
  Buffer<std::int32_t> index_;
  Buffer<float> imagined_reward_, value_, slow_value_, discount_, weight_, target_;
  Buffer<float> dloss_, critic_loss_, dcritic_, dactor_, actor_loss_, entropy_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
