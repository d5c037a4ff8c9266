#pragma once
// Version 1's behaviour: returns are differentiated through rewards, values and the model itself.
#include <learn/dreamer/behaviour.hpp>

namespace loom {

/// Trajectories of states 1 to H from every start 0; returns of states 1 to H - 1.
class DynamicsBehaviour final : public Behaviour {
 public:
  /// Throws ConfigError for policies and heads without such a gradient.
  DynamicsBehaviour(Exec const& exec, BehaviourShape const& shape, int starts, Parameters& world,
                    Parameters& actor, Parameters& critic);

  void learn(Exec const& exec, InRows<float> feature, SequenceReplay::Records const& batch,
             RowDraws const& draws, OutRows<float> dfeature) override;
  int rows() const override { return starts_ * (shape_.horizon - 1); }

 private:
  void imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws);
  void returns(Exec const& exec);
  void actor_gradient(Exec const& exec, RowDraws const& draws);
  void critic_gradient(Exec const& exec);
  /// Of one time, 0 to H.
  OutRows<float> slab(Buffer<float>& b, int t, int cols) const;
  OutRows<float> features(Buffer<float>& b, int t) const;
  /// The numbers of step t: those of its action, those of the state after it.
  RowDraws action_draws(RowDraws const& draws, int t) const;
  RowDraws state_draws(RowDraws const& draws, int t) const;
  std::size_t count(int times) const;
  /// The policy without the noise of acting.
  TanhActor exploited() const;

  BehaviourShape shape_;
  int starts_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  Stack prior_, reward_, actor_, critic_;
  Scalars scalars_;
  Buffer<float> feature_, action_, reward_mean_, value_, discount_, weight_, return_, critic_loss_;
  Buffer<float> dreturn_, dreward_, dvalue_, dfeature_, dstatistics_, dh_, dz_, da_, draw_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
