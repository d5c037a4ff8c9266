#include <kernels/nn/mlp.hpp>
#include <learn/ppo/vision.hpp>

namespace loom {

void VisionConfig::keys(Settings& s) {
  s.key("pixels", size,
        "learn from pictures of so many pixels a side; 0: from the numbers of the state",
        between(0, 1024));
  s.key("frame_stack", stack, "pictures in one observation, the newest and those before it",
        between(1, 16));
  s.key("filters", filters, "of every convolution of the pictures' encoder", between(1, 1024));
  s.key("kernels", kernels, "side of every convolution's window", between(1, 64));
  s.key("strides", strides, "of every convolution", between(1, 64));
  s.key("features", features, "outputs of the encoder, what policy and value read",
        between(1, 256));
}

ConvEncoderShape VisionConfig::shape() const {
  require<ConfigError>(
      !filters.empty() && filters.size() == kernels.size() && filters.size() == strides.size(),
      "ppo: ", filters.size(), " filters, ", kernels.size(), " kernels, ", strides.size(),
      " strides (needs one of each for every convolution)");
  ConvEncoderShape shape{size, size, 3 * stack, {}, {features}, Activation::relu};
  int side = size;
  for (std::size_t l = 0; l < filters.size(); ++l) {
    require<ConfigError>(kernels[l] <= side, "ppo: kernel ", l + 1, " is ", kernels[l],
                         " wide (its picture has ", side, " pixels a side)");
    shape.layers.push_back({filters[l], kernels[l], strides[l], 0});
    side = (side - kernels[l]) / strides[l] + 1;
  }
  return shape;
}

Vision::Vision(VectorEnv const& env, VisionConfig const& config, int steps)
    : shape_(config.shape()), pixels_(env, {config.size, config.stack}, steps) {
  Exec const& exec = env.exec();
  auto const n = static_cast<std::size_t>(pixels_.num_envs());
  observation_ = zeros<std::uint8_t>(exec, n * static_cast<std::size_t>(pixels_.bytes()));
  workspace_ = Buffer<std::uint8_t>(exec, conv_encoder_workspace(exec, shape_, pixels_.num_envs()));
  features_ = Buffer<float>(exec, n * static_cast<std::size_t>(shape_.outputs()));
  value_ = Buffer<float>(exec, n);
}

InRows<float> Vision::encode(Exec const& exec, In<float> encoder) {
  OutRows<float> const features(features_.data(), pixels_.num_envs(), shape_.outputs());
  conv_encoder(exec, shape_, ConvInput(InRows<std::uint8_t>(observation()), kPixelOffset), encoder,
               features, workspace_.out());
  return features;
}

void Vision::roll_out(Exec const& exec, VectorEnv& env, In<float> encoder, PolicyView const& policy,
                      RolloutView const& out, Out<float> next_value, Out<float> final_value) {
  pixels_.begin(exec);
  for (int t = 0; t < out.steps; ++t) {
    pixels_.see(exec, env, t);
    pixels_.observe(exec, t, observation());
    InRows<float> const features = encode(exec, encoder);
    visit(exec, [&](auto e) {
      choose_actions(e, env.spec().actions, policy, env.memory(), features, out, t);
    });
    pixels_.step(exec, env, out, t);
  }
  auto const values = [&](Out<float> to) {
    InRows<float> const features = encode(exec, encoder);
    visit(exec, [&](auto e) {
      mlp_forward(e, policy.critic, features, {to.data, pixels_.num_envs(), 1});
    });
  };
  pixels_.see(exec, env, out.steps);
  pixels_.observe(exec, out.steps, observation());
  values(next_value);
  pixels_.observe_last(exec, observation());
  values(value_.out());
  visit(exec, [&](auto e) { scatter_places(e, pixels_.last_places(), value_.in(), final_value); });
}

void Vision::act(Exec const& exec, VectorEnv& env, In<float> encoder, PolicyView const& policy) {
  pixels_.begin(exec);
  pixels_.see(exec, env, 0);
  pixels_.observe(exec, 0, observation());
  InRows<float> const features = encode(exec, encoder);
  visit(exec, [&](auto e) {
    choose_actions(e, env.spec().actions, policy, env.memory(), features, {}, 0);
  });
}

}  // namespace loom
