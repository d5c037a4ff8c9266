#include <cmath>
#include <learn/vae/shape.hpp>

namespace loom {
namespace {

std::vector<LayerShape> layers(std::vector<int> inputs, std::vector<int> const& hidden, int outputs,
                               Activation activation) {
  std::vector<LayerShape> all;
  for (int const units : hidden) {
    all.push_back({inputs, units, {}, activation});
    inputs = {units};
  }
  all.push_back({inputs, outputs});
  return all;
}

std::vector<int> joined(int first, int condition) {
  return condition > 0 ? std::vector<int>{first, condition} : std::vector<int>{first};
}

Activation activation_of(std::string const& name) {
  return name == "tanh"   ? Activation::tanh
         : name == "elu"  ? Activation::elu
         : name == "silu" ? Activation::silu
                          : Activation::relu;
}

VaeShape::Reduction reduction_of(std::string const& name) {
  return name == "sum" ? VaeShape::Reduction::sum : VaeShape::Reduction::mean;
}

std::string numbered(std::string const& name, std::size_t l) {
  return name + "." + std::to_string(l);
}

}  // namespace

std::vector<LayerShape> VaeShape::encoder_layers() const {
  return layers(joined(features(), condition), encoder, 2 * latent, activation);
}

std::vector<LayerShape> VaeShape::decoder_layers() const {
  return layers(joined(latent, condition), decoder, features(), activation);
}

float VaeShape::reconstruction_weight() const {
  return reconstruction == Reduction::mean ? 1.F / static_cast<float>(data) : 1.F;
}

float VaeShape::divergence_weight() const {
  return divergence == Reduction::mean ? 1.F / static_cast<float>(latent) : 1.F;
}

void VaeShape::check() const {
  require<ConfigError>(data > 0 && latent > 0 && condition >= 0, "vae: ", data,
                       " numbers of data, ", latent, " of z, ", condition, " of the condition");
  require<ConfigError>(std::isfinite(variance) && variance > 0, "vae: variance ", variance,
                       " (needs more than 0)");
  require<ConfigError>(beta >= 0, "vae: beta ", beta, " (needs 0 or more)");
  require<ConfigError>(prior_clip >= 0, "vae: prior_clip ", prior_clip, " (needs 0 or more)");
  require<ConfigError>(output_scale > 0, "vae: output_scale ", output_scale,
                       " (needs more than 0)");
  require<ConfigError>(likelihood != Likelihood::bernoulli || output == Output::linear,
                       "vae: a bernoulli decoder gives logits (needs output linear)");
  if (has_image()) {
    image.check("vae");
    require<ConfigError>(image.dense.empty(),
                         "vae: dense layers of an image's encoder (needs them "
                         "in `encoder`)");
    require<ConfigError>(image.inputs() == data, "vae: images of ", image.inputs(),
                         " numbers, data of ", data);
  }
  for (auto const& all : {encoder_layers(), decoder_layers()})
    for (LayerShape const& l : all) l.check("vae");
}

void VaeConfig::keys(Settings& s) {
  s.key("latent", latent, "numbers of z", between(1, 4096));
  s.key("encoder", encoder, "units of the encoder's hidden layers", between(1, 8192));
  s.key("decoder", decoder, "units of the decoder's hidden layers", between(1, 8192));
  s.key("activation", activation, "of hidden layers", one_of({"relu", "tanh", "elu", "silu"}));
  s.key("likelihood", likelihood, "of the decoder",
        one_of({"gaussian", "learned_gaussian", "bernoulli"}));
  s.key("variance", variance, "of a gaussian decoder; of a learned one: at first", above(0));
  s.key("output", output, "of a gaussian decoder's mean", one_of({"linear", "tanh"}));
  s.key("output_scale", output_scale, "largest number that a tanh output reaches", above(0));
  s.key("head", head, "what the encoder gives of its spread", one_of({"log_std", "log_variance"}));
  s.key("clamp", clamp, "where log-deviations are clamped: in draws and divergence, in draws alone",
        one_of({"none", "sample", "both"}));
  s.key("log_std_low", log_std_low, "least clamped log-deviation");
  s.key("log_std_high", log_std_high, "largest clamped log-deviation");
  s.key("reconstruction_reduction", reconstruction_reduction, "over the numbers of the data",
        one_of({"sum", "mean"}));
  s.key("divergence_reduction", divergence_reduction, "over the numbers of z",
        one_of({"sum", "mean"}));
  s.key("beta", beta, "weight of the divergence", at_least(0));
  s.key("prior_clip", prior_clip, "largest number of a sampled z; 0: not clipped", at_least(0));
  s.key("batch", batch, "rows of an update", between(1, 1 << 20));
  s.key("learning_rate", learning_rate, "of Adam", above(0));
  s.key("height", height, "of the data as an image", between(0, 4096));
  s.key("width", width, "of the data as an image", between(0, 4096));
  s.key("channels", channels, "of the data as an image", between(0, 1024));
  s.key("filters", filters, "of every convolution of images; none: vectors", between(1, 1024));
  s.key("kernels", kernels, "side of every convolution's window", between(1, 64));
  s.key("strides", strides, "of every convolution", between(1, 64));
}

VaeShape VaeConfig::shape(int data, int condition) const {
  VaeShape s;
  s.data = data, s.condition = condition, s.latent = latent;
  s.encoder = encoder, s.decoder = decoder;
  s.activation = activation_of(activation);
  s.likelihood = likelihood == "bernoulli"          ? VaeShape::Likelihood::bernoulli
                 : likelihood == "learned_gaussian" ? VaeShape::Likelihood::learned_gaussian
                                                    : VaeShape::Likelihood::gaussian;
  s.variance = variance;
  s.output = output == "tanh" ? VaeShape::Output::tanh : VaeShape::Output::linear;
  s.output_scale = output_scale;
  if (clamp != "none") s.head.low = log_std_low, s.head.high = log_std_high;
  if (head == "log_variance") s.head.scale = 0.5F;
  s.clamp_divergence = clamp != "sample";
  s.reconstruction = reduction_of(reconstruction_reduction);
  s.divergence = reduction_of(divergence_reduction);
  s.beta = beta;
  s.prior_clip = prior_clip;
  require<ConfigError>(filters.size() == kernels.size() && filters.size() == strides.size(),
                       "vae: ", filters.size(), " filters, ", kernels.size(), " kernels, ",
                       strides.size(), " strides (needs one of each for every convolution)");
  s.image = {height, width, channels, {}, {}, s.activation};
  for (std::size_t l = 0; l < filters.size(); ++l)
    s.image.layers.push_back({filters[l], kernels[l], strides[l], 0});
  s.check();
  return s;
}

VaeConfig VaeConfig::sfujim_bcq(int actions, float largest_action) {
  VaeConfig c;
  c.latent = 2 * actions;
  c.output_scale = largest_action;
  return c;
}

VaeConfig VaeConfig::d3rlpy(int actions) {
  VaeConfig c = sfujim_bcq(actions, 1.F);
  c.output = "linear";
  return c;
}

VaeConfig VaeConfig::robomimic_actions() {
  VaeConfig c;
  c.latent = 14;
  c.encoder = c.decoder = {300, 400};
  c.head = "log_variance";
  c.clamp = "sample";
  c.divergence_reduction = "sum";
  c.beta = 1.F;
  c.prior_clip = 0.F;
  return c;
}

VaeConfig VaeConfig::robomimic_goals() {
  VaeConfig c = robomimic_actions();
  c.latent = 16;
  c.output = "linear";
  return c;
}

std::vector<ParameterShape> vae_parameters(VaeShape const& shape) {
  shape.check();
  std::vector<ParameterShape> all;
  auto const append = [&](std::vector<ParameterShape> const& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  auto const stack = [&](std::string const& name, std::vector<LayerShape> const& of) {
    for (std::size_t l = 0; l < of.size(); ++l) append(layer_parameters(numbered(name, l), of[l]));
  };
  if (shape.has_image()) append(conv_encoder_parameters("encoder_image", shape.image));
  stack("encoder", shape.encoder_layers());
  stack("decoder", shape.decoder_layers());
  if (shape.has_image()) {
    // A transposed convolution has its convolution's weights, and a bias for every channel it writes.
    auto weights = conv_encoder_parameters("decoder_image", shape.image);
    for (ParameterShape& s : weights)
      if (s.name.ends_with(".bias"))
        s.shape = {weights[static_cast<std::size_t>(&s - weights.data()) - 1].shape[3]};
    append(weights);
  }
  if (shape.learns_variance()) all.push_back({"log_variance", {1}});
  return all;
}

void initialise_vae(Exec const& exec, VaeShape const& shape, std::uint64_t seed,
                    Parameters& parameters) {
  std::uint32_t stream = 0;
  auto const stack = [&](std::string const& name, std::vector<LayerShape> const& of) {
    for (std::size_t l = 0; l < of.size(); ++l)
      upload<float>(exec, initial_layer(of[l], 1.F, seed, stream++),
                    parameters.values(numbered(name, l)));
  };
  stack("encoder", shape.encoder_layers());
  stack("decoder", shape.decoder_layers());
  if (shape.has_image()) {
    float const gain = shape.activation == Activation::relu ? std::sqrt(2.F) : 1.F;
    auto const convolutions = static_cast<std::uint32_t>(shape.image.layers.size());
    upload<float>(exec, initial_conv_encoder(shape.image, Initial::fan_in, gain, seed, stream),
                  parameters.values("encoder_image"));
    auto const mirrored =
        initial_conv_encoder(shape.image, Initial::fan_in, gain, seed, stream + convolutions);
    std::size_t at = 0;
    for (std::uint32_t l = 0; l < convolutions; ++l) {
      auto const weights = static_cast<std::size_t>(shape.image.layer_weights(static_cast<int>(l)));
      upload<float>(exec, In<float>(mirrored).slice(at, weights),
                    parameters.values(numbered("decoder_image", l) + ".weight"));
      at += weights + static_cast<std::size_t>(shape.image.layer_biases(static_cast<int>(l)));
    }
  }
  if (shape.learns_variance())
    upload<float>(exec, std::vector<float>{std::log(shape.variance)},
                  parameters.values("log_variance"));
}

}  // namespace loom
