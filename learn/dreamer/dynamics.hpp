#pragma once
// Behaviour of versions 1 and 2: returns are differentiated through rewards, values and the model itself.
#include <learn/dreamer/imagination.hpp>

namespace loom {

/// Trajectories of states 1 to H from every start 0. Returns of states 1 to H - 1 with the critic's own values
/// (version 1), or of 0 to H - 1 with those of the slow critic (version 2).
class DynamicsBehaviour final : public Behaviour {
 public:
  /// Throws ConfigError for policies and heads without such a gradient.
  DynamicsBehaviour(Exec const& exec, BehaviourShape const& shape, int starts, Parameters& world,
                    Parameters& actor, Parameters& critic, Parameters& slow_critic);

  void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
             RowDraws const& draws, OutRows<float> dfeature) override;
  int rows() const override { return starts_ * times(); }

 private:
  void imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws);
  void returns(Exec const& exec);
  void actor_gradient(Exec const& exec, RowDraws const& draws);
  void critic_gradient(Exec const& exec);
  /// Returns of a trajectory; states that are judged begin at first() and are one more.
  int times() const { return shape_.horizon - first(); }
  int first() const { return shape_.from_start ? 0 : 1; }
  InRows<float> judged();
  Stack& valuer() { return slow_critic_ ? *slow_critic_ : critic_; }
  /// Of one time, 0 to H.
  OutRows<float> slab(Buffer<float>& b, int t, int cols) const;
  OutRows<float> features(Buffer<float>& b, int t) const;
  /// The numbers of step t: those of its action, those of the state after it.
  RowDraws action_draws(RowDraws const& draws, int t) const;
  RowDraws state_draws(RowDraws const& draws, int t) const;
  std::size_t count(int times) const;
  InRows<float> policy_gradient(Exec const& exec, int t, RowDraws const& draws, InRows<float> da);

  BehaviourShape shape_;
  int starts_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  std::optional<Imagination> imagination_;
  std::vector<KeptLayer> kept_;  // where it leaves activations
  Stack prior_, reward_, actor_, critic_;
  std::optional<Stack> slow_critic_;
  Scalars scalars_;
  Buffer<float> feature_, action_, reward_mean_, value_, discount_, weight_, return_, critic_loss_,
      entropy_;
  Buffer<float> dreturn_, dreward_, dvalue_, dfeature_, dstatistics_, dh_, dz_, da_, draw_,
      dentropy_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
