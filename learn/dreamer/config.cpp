#include <learn/dreamer/config.hpp>

namespace loom {
namespace {

/// Width of a named size: hidden layers d, h 8 d, d / 16 classes and channels.
int width_of(std::string const& size) {
  for (auto const& [name, width] : {std::pair{"1M", 64},
                                    {"12M", 256},
                                    {"25M", 384},
                                    {"50M", 512},
                                    {"100M", 768},
                                    {"200M", 1024},
                                    {"400M", 1536}})
    if (size == name) return width;
  return 0;
}

Activation activation_of(std::string const& name) {
  return name == "elu" ? Activation::elu : name == "relu" ? Activation::relu : Activation::silu;
}

std::optional<ImageShape> image_shape(DreamerConfig const& c, int feature) {
  if (c.pixels == 0) return {};
  ImageShape s;
  s.kind = c.images == "valid"     ? ImageShape::Kind::valid
           : c.images == "strided" ? ImageShape::Kind::strided
                                   : ImageShape::Kind::pooled;
  s.size = c.pixels, s.depth = c.depth, s.kernel = c.kernel, s.feature = feature;
  s.norm = c.norm != "none";
  s.activation = activation_of(c.activation);
  s.check();
  return s;
}

RssmShape rssm_shape(EnvSpec const& spec, DreamerConfig const& c) {
  using Core = RssmShape::Core;
  RssmShape r;
  r.core = c.core == "reset_after"  ? Core::reset_after
           : c.core == "layer_norm" ? Core::layer_norm
                                    : Core::block;
  r.deter = c.deter, r.units = c.units, r.blocks = c.blocks;
  r.latents.kind =
      c.latents == "gaussian" ? LatentsShape::Kind::gaussian : LatentsShape::Kind::categorical;
  r.latents.groups = c.groups, r.latents.classes = c.classes, r.latents.unimix = c.unimix;
  r.latents.gaussian = c.gaussian, r.latents.least_deviation = c.least_deviation;
  r.actions = spec.actions.size;
  r.tokens = c.units;
  r.prior_layers = c.prior_layers, r.posterior_layers = c.posterior_layers;
  if (c.norm == "none") r.norm.reset();
  r.activation = activation_of(c.activation);
  r.fused = c.observation == "fused";
  r.check();
  return r;
}

}  // namespace

void DreamerConfig::keys(Settings& s) {
  s.key("size", size, "of the model as published; custom: units, deter, blocks, groups, classes",
        one_of({"custom", "1M", "12M", "25M", "50M", "100M", "200M", "400M"}));
  s.key("core", core, "of the recurrence: as in version 1, 2 or 3",
        one_of({"reset_after", "layer_norm", "block"}));
  s.key("latents", latents, "the stochastic state", one_of({"categorical", "gaussian"}));
  s.key("norm", norm, "of hidden layers", one_of({"rms", "none"}));
  s.key("activation", activation, "of hidden layers", one_of({"silu", "elu", "relu"}));
  s.key("heads", heads, "of rewards and values", one_of({"two_hot", "normal"}));
  s.key("squash", squash, "observations as symlog, pictures predicted as sigmoid");
  s.key("pixels", pixels,
        "learn from pictures of so many pixels a side; 0: from the numbers of the state",
        between(0, 1024));
  s.key("images", images,
        "their convolutions: pooled, of version 3; strided, a quarter of its work; valid, of "
        "versions 1 and 2",
        one_of({"pooled", "strided", "valid"}));
  s.key("depth", depth, "their channels are multiples of it", between(1, 1024));
  s.key("kernel", kernel, "side of their windows; decoders of valid ones have others",
        between(2, 8));
  s.key("continues", continues, "predict whether episodes go on; off: a constant discount");
  s.key("gaussian", gaussian, "numbers of a gaussian stochastic state", between(1, 4096));
  s.key("least_deviation", least_deviation, "of a gaussian stochastic state", at_least(0));
  s.key("units", units, "width of every hidden layer", between(1, 8192));
  s.key("deter", deter, "numbers of the recurrent state", between(1, 65536));
  s.key("blocks", blocks, "parts of the recurrent layers; must divide deter", between(1, 64));
  s.key("groups", groups, "categoricals of the stochastic state", between(1, 1024));
  s.key("classes", classes, "of each of them", between(2, 1024));
  s.key("encoder_layers", encoder_layers, "hidden layers of the encoder", between(1, 16));
  s.key("decoder_layers", decoder_layers, "of the decoder", between(1, 16));
  s.key("prior_layers", prior_layers, "of the dynamics' prediction of z", between(1, 16));
  s.key("posterior_layers", posterior_layers, "of z given the observation", between(1, 16));
  s.key("reward_layers", reward_layers, "of the reward's prediction", between(1, 16));
  s.key("continue_layers", continue_layers, "of the prediction whether it goes on", between(1, 16));
  s.key("actor_layers", actor_layers, "of the policy", between(1, 16));
  s.key("critic_layers", critic_layers, "of the value", between(1, 16));
  s.key("bins", bins, "of rewards and values, an odd number", between(3, 1023));
  s.key("steps", steps, "of every instance between updates", between(1, 100000));
  s.key("batch", batch, "sequences of an update", between(1, 4096));
  s.key("length", length, "records of a sequence", between(2, 4096));
  s.key("prefill", prefill, "steps of every instance before the first update", at_least(0));
  s.key("train_ratio", train_ratio, "records learned from for every step of an instance", above(0));
  s.key("capacity", capacity, "records that the replay keeps, over all instances", at_least(1));
  s.key("online", online, "learn from every new sequence once, before old ones");
  s.key("stored_latents", stored_latents, "begin sequences with the states stored in the replay");
  s.key("horizon", horizon, "imagined steps", between(1, 1000));
  s.key("discount_horizon", discount_horizon, "1 / (1 - discount)", above(1));
  s.key("lambda", lambda, "of the lambda return", between(0, 1));
  s.key("entropy_coefficient", entropy_coefficient,
        "weight of the policy's entropy; tanh_normal has none", at_least(0));
  s.key("unimix", unimix, "share of a uniform distribution in all categoricals", between(0, 0.99));
  s.key("reward_scale", reward_scale, "what rewards are multiplied by to be learned from",
        above(0));
  s.key("reconstruction", reconstruction, "weight of the decoder's loss; 0: rewards alone teach",
        at_least(0));
  s.key("continuation", continuation, "weight of the loss of whether episodes go on", at_least(0));
  s.key("free_nats", free_nats, "divergence of a step that costs nothing", at_least(0));
  s.key("dynamics", dynamics, "weight of the prior's divergence", at_least(0));
  s.key("representation", representation, "weight of the posterior's divergence", at_least(0));
  s.key("joint_divergence", joint_divergence, "one divergence for both, weighed by dynamics");
  s.key("mean_divergence", mean_divergence, "free nats of the mean over steps, not of every step");
  s.key("policy", policy, "of continuous actions",
        one_of({"bounded_normal", "tanh_normal", "truncated_normal"}));
  s.key("gradient", gradient, "of the policy: its score, or through the model",
        one_of({"reinforce", "dynamics"}));
  s.key("imagination", imagination,
        "one kernel (on a GPU in bf16) where it has room for the model, or layer by layer",
        one_of({"fused", "layers"}));
  s.key("observation", observation, "the same of following recorded sequences",
        one_of({"fused", "layers"}));
  s.key("action_noise", action_noise, "deviation added to tanh_normal actions in training",
        at_least(0));
  s.key("actor_scale", actor_scale, "of the initial weights of the policy's last layer", above(0));
  s.key("rewards", rewards,
        "count with the state that they lead to, or depart from (versions 1 and 2)",
        one_of({"arrival", "departure"}));
  s.key("scale_returns", scale_returns, "advantages by the range of returns, if above 1");
  s.key("replay_loss", replay_loss, "weight of the critic's loss on records; departure: 0",
        at_least(0));
  s.key("returns_from_start", returns_from_start,
        "departure: returns of recorded states as well as of imagined ones");
  s.key("slow_targets", slow_targets, "returns with the slow critic's values");
  s.key("slow_loss", slow_loss, "weight of the critic's loss on the slow critic's values",
        at_least(0));
  s.key("slow_rate", slow_rate, "of the critic's moving average; 1 copies it", between(1e-6, 1));
  s.key("slow_every", slow_every, "updates between its steps", between(1, 1000000));
  s.key("optimiser", optimiser, "of all networks", one_of({"laprop", "adam"}));
  s.key("learning_rate", learning_rate, "of all networks, or of the model", above(0));
  s.key("actor_learning_rate", actor_learning_rate, "0: learning_rate", at_least(0));
  s.key("critic_learning_rate", critic_learning_rate, "0: learning_rate", at_least(0));
  s.key("clip", clip,
        "laprop: a tensor's gradient is at most so much of its norm; adam: the norm that each "
        "network's gradient is clipped to; 0: as it is",
        at_least(0));
  s.key("adam_epsilon", adam_epsilon, "added to the root of Adam's second moment", above(0));
  s.key("weight_decay", weight_decay, "adam: decoupled, a step", between(0, 1));
  s.key("evaluation", evaluation, "actions of evaluations: sample as in training, or mode",
        one_of({"sample", "mode"}));
  s.key("warm_up", warm_up, "updates until the learning rate is reached", at_least(0));
}

DreamerConfig DreamerConfig::sized() const {
  DreamerConfig c = *this;
  if (int const d = width_of(size); d > 0) {
    c.units = d, c.deter = 8 * d, c.blocks = 8;
    c.groups = 32, c.classes = d / 16, c.depth = d / 16;
  }
  require<ConfigError>(c.bins % 2 == 1, "dreamer: ", c.bins, " bins (needs an odd number)");
  return c;
}

BehaviourShape DreamerConfig::behaviour(EnvSpec const& spec) const {
  DreamerConfig const& c = *this;
  using Policy = BehaviourShape::Policy;
  BehaviourShape s;
  WorldShape& w = s.world;
  w.rssm = rssm_shape(spec, c);
  w.images = image_shape(c, w.rssm.feature());
  w.observation = w.images ? w.images->pixels() : spec.observation;
  if (w.images) w.rssm.tokens = w.images->tokens();
  w.encoder_layers = c.encoder_layers, w.decoder_layers = c.decoder_layers;
  w.reward_layers = c.reward_layers, w.continue_layers = c.continue_layers;
  w.scalars = {c.heads == "normal" ? ScalarsShape::Kind::normal : ScalarsShape::Kind::two_hot,
               c.bins};
  w.squash = c.squash, w.continues = c.continues;
  w.reconstruction = c.reconstruction, w.continuation = c.continuation;
  w.free_bits = {c.free_nats, c.dynamics, c.representation, c.joint_divergence, c.mean_divergence};
  s.policy = spec.actions.discrete            ? Policy::categorical
             : c.policy == "tanh_normal"      ? Policy::tanh_normal
             : c.policy == "truncated_normal" ? Policy::truncated_normal
                                              : Policy::bounded_normal;
  s.gradient = c.gradient == "dynamics" ? BehaviourShape::Gradient::dynamics
                                        : BehaviourShape::Gradient::reinforce;
  s.horizon = c.horizon;
  s.fused = c.imagination == "fused";
  s.actor_layers = c.actor_layers, s.critic_layers = c.critic_layers;
  s.gamma = c.continues ? 1.F : going_on();
  s.lambda = c.lambda;
  s.rewards = c.rewards == "departure" ? RewardTiming::departure : RewardTiming::arrival;
  s.replay_loss = c.replay_loss;
  s.scale_returns = c.scale_returns;
  s.slow_rate = c.slow_rate, s.slow_loss = c.slow_loss;
  s.actor_scale = c.actor_scale;
  s.actor.entropy = c.entropy_coefficient;
  s.actor.unimix = c.unimix;
  s.tanh.noise = c.action_noise;
  s.from_start = c.returns_from_start, s.slow_targets = c.slow_targets;
  s.check();
  return s;
}

}  // namespace loom
