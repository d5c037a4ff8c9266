#pragma once
// What imagined states are worth, what the critic learns from that, and the way back from returns to states.
#include <learn/core/sequence_replay.hpp>
#include <learn/dreamer/behaviour_shape.hpp>

namespace loom {

/// Rewards, continuation and values of N trajectories' states, and their lambda returns.
///
/// A return R_t belongs to state first() + t. A reward counts with the state that it leads to (arrival), or with
/// the one that it is predicted from (departure): see horizon() for what discounts and weights follow from that.
class Returns {
 public:
  /// sequences, steps: of the batch whose states trajectories start from, N = sequences * steps.
  Returns(Exec const& exec, BehaviourShape const& shape, int sequences, int steps,
          Parameters& world, Parameters& critic, Parameters& slow_critic);

  /// Of these states, (K N, feature): times 0 to H of the trajectories and, with replay_loss, the starts once more.
  /// batch: the records of the starts.
  void judge(Exec const& exec, OutRows<float> feature, SequenceReplay::Records const& batch);

  /// [T][N]: R_t, the weight of its losses, and [T + 1][N] the values that it is made with.
  In<float> returns() const { return target_.in().slice(0, count(shape_.times())); }
  In<float> weight() const { return weight_.in(); }
  In<float> values() const {
    return (shape_.slow_targets ? slow_value_ : value_).in().slice(0, count(shape_.times() + 1));
  }
  /// (3): as update_return_range; 0 where returns are not scaled.
  Out<float> range() { return range_.out(); }

  /// The critic's gradient, and in dfeature (N, feature) what its loss on the records asks of their states.
  void learn_critic(Exec const& exec, SequenceReplay::Records const& batch,
                    OutRows<float> dfeature);
  /// Overwrites the gradient of sum(dreturns R) + sum(dvalues values()) of state first() and all after it, as many
  /// rows as were judged; dvalues: [T][N] or empty.
  void backward(Exec const& exec, In<float> dreturns, In<float> dvalues, OutRows<float> dfeature);

  /// Sums over [T][N]: returns, values, the critic's loss; over the records: its loss there.
  void totals(Exec const& exec, Out<float> returns, Out<float> values, Out<float> critic,
              Out<float> records);

 private:
  std::size_t count(int times) const { return elements(times, starts_); }
  /// States that rewards are predicted from, of those that are judged.
  int rewarding() const { return shape_.rewards == RewardTiming::arrival ? 1 : 0; }
  bool has_slow() const { return shape_.slow_targets || shape_.slow_loss > 0; }
  /// Records that have one after them.
  std::size_t recorded() const { return count(1) - static_cast<std::size_t>(sequences_); }
  /// The critic's rows that are the records': the last.
  std::size_t records_at() const { return count(shape_.times() + 1); }
  Stack& valuer() { return shape_.slow_targets ? *slow_critic_ : critic_; }
  OutRows<float> part(OutRows<float> rows, int first, int times) const {
    return {rows.row(first * starts_), times * starts_, rows.cols, rows.stride};
  }
  void make_returns(Exec const& exec, SequenceReplay::Records const& batch);

  BehaviourShape shape_;
  int sequences_, steps_, starts_;
  Stack reward_, critic_;
  std::optional<Stack> continue_, slow_critic_;
  Scalars rewards_, values_;
  OutRows<float> feature_;  // of judge(): state first() and all after it
  In<float> start_;         // and whether the recorded states' episodes went on, where that counts
  Buffer<float> reward_mean_, value_, slow_value_, discount_, weight_, target_, range_;
  Buffer<float> dloss_, critic_loss_, dcritic_;
  Buffer<float> dreward_mean_, ddiscount_, dvalue_, dreward_, dcontinue_, dvaluer_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
