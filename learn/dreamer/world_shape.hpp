#pragma once
// Heads and losses of a world model, and its parameters.
#include <kernels/dream/free_bits.hpp>
#include <learn/dreamer/images.hpp>
#include <learn/dreamer/recurrence.hpp>
#include <learn/dreamer/scalars.hpp>

namespace loom {

/// A world model of vectors or of pictures.
struct WorldShape {
  RssmShape rssm;
  int observation = 1;               ///< numbers of an observation, or bytes of a picture
  std::optional<ImageShape> images;  ///< without it observations are numbers
  int encoder_layers = 3, decoder_layers = 3, reward_layers = 1, continue_layers = 1;
  ScalarsShape scalars = {};  ///< of rewards and values
  /// Numbers are seen and predicted as symlog, pictures predicted as sigmoid; else predictions are means
  /// of normal distributions.
  bool squash = true;
  bool continues = true;       ///< predicts whether an episode goes on
  float reconstruction = 1.F;  ///< weight of the decoder's loss
  float continuation = 1.F;    ///< weight of the loss of whether an episode goes on
  FreeBitsConfig free_bits = {};

  /// Of numbers.
  Stack::Shape encoder() const { return rssm.stack({observation}, encoder_layers, 0); }
  Stack::Shape decoder() const { return rssm.stack({rssm.feature()}, decoder_layers, observation); }
  Stack::Shape reward() const {
    return rssm.stack({rssm.feature()}, reward_layers, scalars.outputs(), scalar_scale());
  }
  Stack::Shape goes_on() const { return rssm.stack({rssm.feature()}, continue_layers, 1); }
  /// Of the last layer's initial weights: distributions over bins begin at 0.
  float scalar_scale() const { return scalars.kind == ScalarsShape::Kind::two_hot ? 0.F : 1.F; }
};

/// Every parameter of the model: "recurrence", "encoder", "prior", "posterior", "decoder", "reward" and,
/// where it is predicted, "continue".
std::vector<ParameterShape> world_parameters(WorldShape const& shape);
void initialise_world(Exec const& exec, WorldShape const& shape, std::uint64_t seed,
                      Parameters& parameters);

}  // namespace loom
