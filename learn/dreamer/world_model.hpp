#pragma once
// The world model of Dreamer: what it sees, remembers and predicts, and how it learns from records.
#include <learn/core/sequence_replay.hpp>
#include <learn/dreamer/latent_entropy.hpp>
#include <learn/dreamer/observation_scan.hpp>
#include <learn/dreamer/observations.hpp>

namespace loom {

/// Losses of one batch, means over its steps; the entropies as LatentEntropy sums them.
enum class WorldLoss : int {
  reconstruction,
  reward,
  goes_on,
  divergence,
  divergence_mean,
  posterior_entropy,
  prior_entropy,
  count
};

/// Learns from batches of T + 1 records of B sequences: the first record of each begins with the latent state
/// that was stored with it (zeros where none is), the others are learned from. Rows below: [T][B].
class WorldModel {
 public:
  WorldModel(Exec const& exec, WorldShape const& shape, int sequences, int steps,
             Parameters& parameters);

  /// Latent states of a batch, and every loss.
  void forward(Exec const& exec, SequenceReplay::Records const& batch, RowDraws const& draws);
  /// [h, z]: (T B, feature).
  OutRows<float> feature() { return scan_.feature(); }
  /// The gradient of all losses; dfeature comes in with what others (the value head) ask of the features
  /// and is used up.
  void backward(Exec const& exec, OutRows<float> dfeature);

  /// (WorldLoss::count), the first three summed over rows.
  In<float> losses() const { return losses_.in(); }
  int rows() const { return rows_; }

 private:
  ObservationScan::Inputs scan_inputs();
  OutRows<float> matrix(Buffer<float>& b, int cols) const { return {b.data(), rows_, cols}; }
  Out<float> loss(WorldLoss k) { return losses_.out().slice(static_cast<std::size_t>(k), 1); }

  WorldShape shape_;
  int sequences_, steps_, rows_;
  ObservationEncoder encoder_;
  ObservationScan scan_;
  Latents latents_;
  LatentEntropy entropy_;
  Scalars scalars_;
  ObservationDecoder decoder_;
  Stack reward_;
  std::optional<Stack> continue_;
  Buffer<float> nothing_, row_loss_, uniform_, reconstruction_, continuation_;
  Buffer<float> kl_, representation_, dynamics_, losses_;
  Buffer<float> dreward_, dcontinue_, dposterior_, dprior_, dtokens_;
  Buffer<std::uint8_t> workspace_;
  Observation observation_ = InRows<float>();  // of the last forward(), its first records cut off
  SequenceReplay::Records batch_;              // and the rest of them
  InRows<float> start_, action_;
  RowDraws draws_;
  InRows<float> tokens_;
};

}  // namespace loom
