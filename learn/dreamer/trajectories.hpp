#pragma once
// Imagined trajectories, and the way back from their states to the policy.
#include <learn/dreamer/imagination.hpp>
#include <optional>

namespace loom {

/// H steps of N trajectories: a_t ~ pi(a | [h, z]_t), h_{t+1} = f(h_t, z_t, a_t), z_{t+1} ~ p(z | h_{t+1}). By the
/// one kernel where it serves, else layer by layer. The policy's input counts as given: its own gradient does
/// not go on into the states.
class Trajectories {
 public:
  Trajectories(Exec const& exec, BehaviourShape const& shape, int starts, Parameters& world,
               Parameters& actor);

  /// Rows of random numbers that imagine() needs.
  static int draws(int starts, int horizon) { return 2 * starts * horizon; }
  /// From these states, (N, feature).
  void imagine(Exec const& exec, InRows<float> feature, RowDraws const& draws);

  /// [h, z] at `times` times from `first` on. Time 0: the starts; H: the last; H + 1: the starts once more, with
  /// replay_loss, as the critic learns from the records as well.
  OutRows<float> feature(int first, int times = 1) {
    return slab(feature_, first, times, shape_.world.rssm.feature());
  }
  /// At all of those times.
  OutRows<float> states() { return feature(0, shape_.states()); }
  InRows<float> action() { return slab(action_, 0, shape_.horizon, shape_.world.rssm.actions); }
  In<std::int32_t> index() const { return index_.in(); }
  /// The policy's outputs of all steps, (H N, outputs).
  InRows<float> policy() { return actor_.output(); }

  /// The gradient of all the policy's parameters from that of its outputs, (H N, outputs).
  void learn_policy(Exec const& exec, InRows<float> dpolicy);
  /// The same from that of all states, ((H + 1) N, feature), which is used up, and of the entropies (H N), which
  /// it leaves in `entropy`: through the model (gradient dynamics).
  void learn_policy(Exec const& exec, RowDraws const& draws, OutRows<float> dfeature,
                    In<float> dentropy, Out<float> entropy);

 private:
  bool bounds() const { return shape_.policy == BehaviourShape::Policy::bounded_normal; }
  void imagine_by_kernel(Exec const& exec, InRows<float> feature, RowDraws const& draws);
  void policy_gradient(Exec const& exec, int t, RowDraws const& draws, OutRows<float> da,
                       In<float> dentropy, Out<float> entropy);
  std::size_t count(int times) const { return elements(times, starts_); }
  OutRows<float> slab(Buffer<float>& b, int first, int times, int cols) const {
    return {b.data() + elements(first * starts_, cols), times * starts_, cols};
  }
  /// The numbers of step t: those of its action, those of the state after it.
  RowDraws action_draws(RowDraws const& draws, int t) const;
  RowDraws state_draws(RowDraws const& draws, int t) const;

  BehaviourShape shape_;
  int starts_;
  std::unique_ptr<Recurrence> recurrence_;
  Latents latents_;
  std::optional<Imagination> imagination_;
  std::vector<KeptLayer> kept_;  // where it leaves activations for the way back
  Stack prior_, actor_;
  Buffer<float> feature_, action_, bounded_, no_first_;
  Buffer<std::int32_t> index_;
  Buffer<float> dstatistics_, dh_, dz_, da_, dpolicy_;
};

}  // namespace loom
