#pragma once
// Actor and critic of Dreamer, which learn from imagined trajectories alone.
#include <learn/dreamer/returns.hpp>
#include <learn/dreamer/trajectories.hpp>

namespace loom {

/// Sums over the imagined rows.
enum class BehaviourLoss : int { actor, entropy, critic, returns, values, replay_critic, count };

/// H imagined steps from each of N states, and the losses on them.
///
/// Source   Hafner et al. 2020, "Dream to control", equations 6 to 8; 2021, "Mastering Atari with discrete world
///          models", equations 4 to 6; 2023, "Mastering diverse domains through world models", equations 5 to 8.
class Behaviour {
 public:
  /// sequences, steps: of the batch whose states trajectories start from, N = sequences * steps. Throws
  /// ConfigError as BehaviourShape::check.
  Behaviour(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
            Parameters& world, Parameters& actor, Parameters& critic, Parameters& slow_critic);

  /// Imagines from the features of a batch and leaves the gradients of actor and critic in their parameters,
  /// and in dfeature (N, feature) what the critic's loss on the records asks of the model. draws:
  /// Trajectories::draws rows.
  void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
             RowDraws const& draws, OutRows<float> dfeature);

  /// (BehaviourLoss::count).
  In<float> losses() const { return losses_.in(); }
  /// Rows that the critic learns from, and that the actor's loss and entropy are summed over.
  int rows() const { return starts_ * shape_.times(); }
  int actor_rows() const {
    return shape_.through_model() ? starts_ * shape_.horizon : starts_ * chosen();
  }
  Out<float> range() { return returns_.range(); }

 private:
  bool arrival() const { return shape_.rewards == RewardTiming::arrival; }
  /// Steps whose action an imagined return follows from: version 2 leaves out that of the recorded state, which no
  /// action has led to, and the last action, which leads to no return.
  int chosen() const { return shape_.from_start ? shape_.horizon - 1 : shape_.times(); }
  void learn_by_score(Exec const& exec);
  void learn_through_model(Exec const& exec, RowDraws const& draws);
  /// Returns that chosen() actions lead to.
  template <class View>
  View led_to(View returns) const {
    std::size_t const n = elements(chosen(), starts_);
    return returns.slice(elements(shape_.times(), starts_) - n, n);
  }
  Out<float> loss(BehaviourLoss k) { return losses_.out().slice(static_cast<std::size_t>(k), 1); }

  BehaviourShape shape_;
  int starts_;
  Trajectories trajectories_;
  Returns returns_;
  Buffer<float> losses_, actor_loss_, entropy_;
  Buffer<float> dpolicy_, dentropy_, dreturn_, dvalue_, dfeature_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
