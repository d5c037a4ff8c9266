#pragma once
// The world model of Dreamer: what it sees, remembers and predicts, and how it learns from records.
#include <kernels/dream/free_bits.hpp>
#include <kernels/nn/likelihood.hpp>
#include <learn/core/sequence_replay.hpp>
#include <learn/dreamer/latent_entropy.hpp>
#include <learn/dreamer/observation_scan.hpp>
#include <learn/dreamer/scalars.hpp>

namespace loom {

/// Heads and losses of a world model of vectors.
struct WorldShape {
  RssmShape rssm;
  int observation = 1;
  int encoder_layers = 3, decoder_layers = 3, reward_layers = 1, continue_layers = 1;
  ScalarsShape scalars = {};   ///< of rewards and values
  bool squash = true;          ///< observations as symlog, seen and predicted
  bool continues = true;       ///< predicts whether an episode goes on
  float reconstruction = 1.F;  ///< weight of the decoder's loss
  FreeBitsConfig free_bits = {};

  Stack::Shape encoder() const { return rssm.stack({observation}, encoder_layers, 0); }
  Stack::Shape decoder() const { return rssm.stack({rssm.feature()}, decoder_layers, observation); }
  Stack::Shape reward() const {
    return rssm.stack({rssm.feature()}, reward_layers, scalars.outputs(), scalar_scale());
  }
  Stack::Shape goes_on() const { return rssm.stack({rssm.feature()}, continue_layers, 1); }
  /// Of the last layer's initial weights: distributions over bins begin at 0.
  float scalar_scale() const { return scalars.kind == ScalarsShape::Kind::two_hot ? 0.F : 1.F; }
};

/// Every parameter of the model: "encoder", "recurrence", "prior", "posterior", "decoder", "reward" and,
/// where it is predicted, "continue".
std::vector<ParameterShape> world_parameters(WorldShape const& shape);
void initialise_world(Exec const& exec, WorldShape const& shape, std::uint64_t seed,
                      Parameters& parameters);

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
  Likelihood reconstruction() const {
    return shape_.squash ? Likelihood::symlog_squared : Likelihood::normal;
  }
  OutRows<float> matrix(Buffer<float>& b, int cols) const { return {b.data(), rows_, cols}; }
  Out<float> loss(WorldLoss k) { return losses_.out().slice(static_cast<std::size_t>(k), 1); }

  WorldShape shape_;
  int sequences_, steps_, rows_;
  Stack encoder_;
  ObservationScan scan_;
  Latents latents_;
  LatentEntropy entropy_;
  Scalars scalars_;
  Stack decoder_, reward_;
  std::optional<Stack> continue_;
  Buffer<float> nothing_, squashed_, row_loss_, uniform_, reconstruction_;
  Buffer<float> kl_, representation_, dynamics_, losses_;
  Buffer<float> dobservation_, dreward_, dcontinue_, dposterior_, dprior_, dtokens_;
  Buffer<std::uint8_t> workspace_;
  SequenceReplay::Records batch_;  // of the last forward(), its first records cut off
  InRows<float> start_, action_;
  RowDraws draws_;
  InRows<float> tokens_;
};

}  // namespace loom
