#pragma once
// What a variational autoencoder is made of, in words that a recipe can hold and in those that kernels read.
// Sources: Kingma, Welling 2014, "Auto-encoding variational Bayes"; Sohn, Lee, Yan 2015, "Learning structured
// output representation using deep conditional generative models".
#include <kernels/nn/conv_encoder.hpp>
#include <kernels/nn/log_deviation.hpp>
#include <learn/core/layer.hpp>
#include <learn/core/settings.hpp>

namespace loom {

/// Sizes, networks and loss of q(z | x, c), a diagonal Gaussian, and p(x | z, c); the prior of z is N(0, I).
/// The loss of a batch is the mean over its rows of
///   reconstruction + beta * divergence
///   reconstruction   -log p(x | z, c): the sum, or the mean, over the numbers of x
///   divergence       KL(q || p): the sum, or the mean, over the numbers of z
/// With sums and beta 1 it is the negative evidence lower bound.
struct VaeShape {
  enum class Likelihood { gaussian, learned_gaussian, bernoulli };
  enum class Output { linear, tanh };  ///< of a Gaussian's mean
  enum class Reduction { sum, mean };

  int data = 1;       ///< numbers of x
  int condition = 0;  ///< numbers of c; 0: there is none
  int latent = 2;     ///< numbers of z
  /// Of x as an image [height][width][channels]: convolutions before the encoder's layers, the same ones
  /// transposed after the decoder's. No layers: x is a vector.
  ConvEncoderShape image = {};
  std::vector<int> encoder, decoder;  ///< hidden units; none: a linear map
  Activation activation = Activation::relu;
  Likelihood likelihood = Likelihood::gaussian;
  float variance = 1.F;  ///< of the Gaussian, or where a learned one begins
  Output output = Output::linear;
  float output_scale = 1.F;  ///< of the tanh
  LogDeviation head =
      {};  ///< from the encoder's last numbers to the log-deviations that z is drawn with
  bool clamp_divergence = true;  ///< the divergence sees clamped deviations, too
  Reduction reconstruction = Reduction::sum, divergence = Reduction::sum;
  float beta = 1.F;
  float prior_clip = 0.F;  ///< sampled z lie between -clip and clip; 0: they are not clipped

  bool has_image() const { return !image.layers.empty(); }
  bool learns_variance() const { return likelihood == Likelihood::learned_gaussian; }
  /// What the encoder's layers read besides c, and the decoder's write.
  int features() const { return has_image() ? image.outputs() : data; }
  /// From [features, c] to [mean, head]; from [z, c] to features.
  std::vector<LayerShape> encoder_layers() const;
  std::vector<LayerShape> decoder_layers() const;
  /// Of one row's reconstruction and of one row's divergence in the row's loss.
  float reconstruction_weight() const;
  float divergence_weight() const;
  /// Throws ConfigError or ShapeError, in one line, where it does not fit itself.
  void check() const;
};

/// The same without the sizes of data and condition, which come from elsewhere. Defaults: sfujim's BCQ.
struct VaeConfig {
  int latent = 2;
  std::vector<int> encoder = {750, 750}, decoder = {750, 750};
  std::string activation = "relu";
  std::string likelihood = "gaussian";
  float variance = 0.5F;
  std::string output = "tanh";
  float output_scale = 1.F;
  std::string head = "log_std";
  std::string clamp = "both";
  float log_std_low = -4.F, log_std_high = 15.F;
  std::string reconstruction_reduction = "mean", divergence_reduction = "mean";
  float beta = 0.5F;
  float prior_clip = 0.5F;
  int batch = 100;
  float learning_rate = 1e-3F;
  int height = 0, width = 0, channels = 0;
  std::vector<int> filters = {}, kernels = {}, strides = {};

  /// Binds every field, for an algorithm that has such a network among its own settings.
  void keys(Settings& s);
  VaeShape shape(int data, int condition = 0) const;

  // Three published conventions, which are not the same loss: README.md says how they are related.
  // variance = 1/2 makes the Gaussian's distance the squared error itself.

  /// github.com/sfujim/BCQ, continuous_BCQ.
  static VaeConfig sfujim_bcq(int actions, float largest_action);
  /// github.com/takuseno/d3rlpy: the same but for the decoder's linear output.
  static VaeConfig d3rlpy(int actions);
  /// github.com/ARISE-Initiative/robomimic: latent 14 and tanh for actions; 16 and linear for goals.
  static VaeConfig robomimic_actions();
  static VaeConfig robomimic_goals();
};

/// "encoder.0.weight" ... "decoder.0.weight" ...; of images also "encoder_image.*" and "decoder_image.*"; where
/// the variance is learned "log_variance".
std::vector<ParameterShape> vae_parameters(VaeShape const& shape);
/// As initial_layer and, of images, initial_conv_encoder.
void initialise_vae(Exec const& exec, VaeShape const& shape, std::uint64_t seed,
                    Parameters& parameters);

}  // namespace loom
