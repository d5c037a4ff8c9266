#include <kernels/core/nvtx.hpp>
#include <kernels/linalg/gather.hpp>
#include <kernels/linalg/select.hpp>
#include <kernels/nn/gae.hpp>
#include <kernels/nn/permutation.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/ppo/ppo.hpp>
#include <limits>

namespace loom {
namespace {

Activation activation_of(std::string const& name) {
  if (name == "relu") return Activation::relu;
  if (name == "elu") return Activation::elu;
  if (name == "silu") return Activation::silu;
  return Activation::tanh;
}

MlpShape network(VectorEnv const& env, Ppo::Config const& config, int outputs) {
  int const inputs = config.vision.size > 0 ? config.vision.features : env.observation_fields();
  MlpShape shape{{inputs}, activation_of(config.activation)};
  shape.sizes.insert(shape.sizes.end(), config.hidden.begin(), config.hidden.end());
  shape.sizes.push_back(outputs);
  return shape;
}

std::vector<ParameterShape> all_parameters(VectorEnv const& env,
                                           std::optional<Vision> const& vision,
                                           MlpShape const& actor, MlpShape const& critic) {
  std::vector<ParameterShape> shapes = mlp_parameters("actor", actor);
  std::vector<ParameterShape> const more = mlp_parameters("critic", critic);
  shapes.insert(shapes.end(), more.begin(), more.end());
  if (vision) {
    std::vector<ParameterShape> const eyes = conv_encoder_parameters("encoder", vision->shape());
    shapes.insert(shapes.end(), eyes.begin(), eyes.end());
  }
  if (!env.spec().actions.discrete)
    shapes.push_back({"log_std", {static_cast<std::size_t>(env.action_fields())}});
  return shapes;
}

std::optional<Vision> vision_of(VectorEnv const& env, Ppo::Config const& config) {
  if (config.vision.size == 0) return {};
  require<ConfigError>(!config.normalise_observation,
                       "ppo: normalise_observation with pixels (needs one or the other)");
  return std::optional<Vision>(std::in_place, env, config.vision, config.steps);
}

int minibatch_rows(VectorEnv const& env, Ppo::Config const& config) {
  int const batch = config.steps * env.num_envs();
  require<ConfigError>(batch % config.minibatches == 0, "ppo: ", config.minibatches,
                       " minibatches of ", config.steps, " x ", env.num_envs(),
                       " steps (needs a divisor of ", batch, ")");
  return batch / config.minibatches;
}

AdamConfig adam_config(Ppo::Config const& config) {
  AdamConfig adam;
  adam.epsilon = config.adam_epsilon;
  adam.max_norm = config.max_grad_norm;
  return adam;
}

/// Tiles as int32: discrete actions lie bit for bit among floats.
In<std::int32_t> as_ints(Buffer<float> const& b) {
  return {reinterpret_cast<std::int32_t const*>(b.data()), b.size()};
}

}  // namespace

void Ppo::Config::keys(Settings& s) {
  s.key("steps", steps, "steps of every instance between updates (T)", between(1, 100000));
  s.key("epochs", epochs, "passes over the collected steps (E)", between(1, 1000));
  s.key("minibatches", minibatches, "parts of an epoch (M); must divide T * num_envs",
        between(1, 1000000));
  s.key("gamma", gamma, "discount", between(0, 1));
  s.key("lambda", lambda, "of the advantage estimator: 0 one step, 1 Monte Carlo", between(0, 1));
  s.key("clip", clip, "epsilon: the ratio's gradient ends at 1 -+ clip", above(0));
  s.key("value_clip", value_clip, "clip the value's change by epsilon as well");
  s.key("entropy_coefficient", entropy_coefficient, "weight of the entropy bonus (c_e)",
        at_least(0));
  s.key("value_coefficient", value_coefficient, "weight of the value loss (c_v)", at_least(0));
  s.key("max_grad_norm", max_grad_norm, "global norm that gradients are clipped to; 0 for none",
        at_least(0));
  s.key("learning_rate", learning_rate, "Adam's, at the start", above(0));
  s.key("anneal_steps", anneal_steps,
        "environment steps after which the learning rate is 0; 0 keeps it", at_least(0));
  s.key("adam_epsilon", adam_epsilon, "added to the root of Adam's second moment", above(0));
  s.key("normalise_advantage", normalise_advantage,
        "per minibatch: (A - mean) / (deviation + 1e-8)");
  s.key("normalise_observation", normalise_observation,
        "by running mean and deviation, clipped to +-10");
  s.key("normalise_reward", normalise_reward,
        "by the running deviation of the discounted return, clipped to +-10");
  s.key("bootstrap_truncated", bootstrap_truncated,
        "add gamma V(last observation) at time limits; off: a time limit counts as an end");
  s.key("hidden", hidden, "widths of the hidden layers, policy and value alike", between(1, 256));
  s.key("activation", activation, "after every hidden layer",
        one_of({"tanh", "relu", "elu", "silu"}));
  s.key("initial_log_std", initial_log_std, "log deviation of continuous actions at the start",
        between(-5, 2));
  vision.keys(s);
}

Ppo::Storage::Storage(Exec const& exec, VectorEnv const& env, int t) : steps(t) {
  auto const n = static_cast<std::size_t>(env.padded());
  auto const all = n * static_cast<std::size_t>(steps);
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<int>::max());
  require<ConfigError>(all <= kMost, "ppo: ", steps, " x ", n,
                       " steps in one rollout (needs at most ", kMost, ")");
  auto const o = static_cast<std::size_t>(env.observation_fields());
  // Zeros: padding instances are read and need not be stepped.
  observation = zeros<float>(exec, all * o);
  final_observation = zeros<float>(exec, all * o);
  final_value = zeros<float>(exec, all);
  action = zeros<float>(exec, all * static_cast<std::size_t>(env.action_fields()));
  log_prob = zeros<float>(exec, all);
  value = zeros<float>(exec, all);
  reward = zeros<float>(exec, all);
  next_value = zeros<float>(exec, n);
  advantage = zeros<float>(exec, all);
  returns = zeros<float>(exec, all);
  terminated = zeros<std::uint8_t>(exec, all);
  truncated = zeros<std::uint8_t>(exec, all);
  ended = Buffer<std::int32_t>(exec, all);
  num_ended = Buffer<std::int32_t>(exec, 1);
  select_workspace = Buffer<std::uint8_t>(
      exec, visit(exec, [&](auto e) { return loom::select_workspace(e, static_cast<int>(all)); }));
}

RolloutView Ppo::Storage::view() {
  return {
      steps,         observation.data(), action.data(),    log_prob.data(),         value.data(),
      reward.data(), terminated.data(),  truncated.data(), final_observation.data()};
}

Ppo::Minibatch::Minibatch(Exec const& exec, VectorEnv const& env, int b, int batch, int pixel_bytes)
    : rows(b) {
  auto const n = static_cast<std::size_t>(rows);
  pixels = Buffer<std::uint8_t>(exec, n * static_cast<std::size_t>(pixel_bytes));
  int const actions = env.spec().actions.size;
  action = Buffer<float>(exec, n * static_cast<std::size_t>(env.action_fields()));
  log_prob = Buffer<float>(exec, n);
  value = Buffer<float>(exec, n);
  advantage = Buffer<float>(exec, n);
  returns = Buffer<float>(exec, n);
  order = Buffer<std::int32_t>(exec, static_cast<std::size_t>(batch));
  loss_workspace = Buffer<std::uint8_t>(exec, ppo_workspace(rows, actions));
}

Ppo::Words::Words(Exec const& exec, float entropy)
    : updates(zeros<std::uint32_t>(exec, 1)),
      epochs(zeros<std::uint32_t>(exec, 1)),
      learning_rate(zeros<float>(exec, 1)),
      entropy_coefficient(uploaded(exec, std::vector<float>{entropy})),
      metrics(zeros<float>(exec, kPpoMetrics)),
      metric_sums(zeros<float>(exec, kPpoMetrics)) {}

Ppo::Ppo(Exec const& exec, VectorEnvConfig const& env, Config const& config)
    : exec_(exec),
      config_(config),
      env_(exec, env),
      seed_(env.seed),
      vision_(vision_of(env_, config)),
      actor_shape_(network(env_, config, env_.spec().actions.size)),
      critic_shape_(network(env_, config, 1)),
      parameters_(exec, all_parameters(env_, vision_, actor_shape_, critic_shape_)),
      actor_(exec, actor_shape_),
      critic_(exec, critic_shape_),
      storage_(exec, env_, config.steps),
      minibatch_(exec, env_, minibatch_rows(env_, config), config.steps * env_.num_envs(),
                 pixel_bytes()),
      actor_training_(exec, actor_shape_, minibatch_.rows),
      critic_training_(exec, critic_shape_, minibatch_.rows),
      adam_(exec, parameters_.size(), adam_config(config)),
      observation_norm_(exec, env_.observation_fields()),
      return_norm_(exec, 1),
      discounted_return_(zeros<float>(exec, static_cast<std::size_t>(env_.padded()))),
      words_(exec, config.entropy_coefficient),
      tape_(exec),
      collect_(exec, [this](Exec const& e) { roll_out(e); }),
      update_(exec, [this](Exec const& e) { learn(e); }) {
  float const root2 = std::sqrt(2.F);
  upload<float>(exec_, orthogonal_mlp(actor_shape_, root2, 0.01F, seed_, 0),
                parameters_.values("actor"));
  upload<float>(exec_, orthogonal_mlp(critic_shape_, root2, 1.F, seed_, 100),
                parameters_.values("critic"));
  if (!env_.spec().actions.discrete)
    upload<float>(
        exec_,
        std::vector<float>(static_cast<std::size_t>(env_.action_fields()), config_.initial_log_std),
        parameters_.values("log_std"));
  if (vision_)
    upload<float>(exec_,
                  initial_conv_encoder(vision_->shape(), Initial::orthogonal, root2, seed_, 200),
                  parameters_.values("encoder"));
  record_tape();
  pack(exec_);
}

ObservationNorm Ppo::norm() const {
  if (!config_.normalise_observation) return {};
  return {observation_norm_.mean().data, observation_norm_.inverse_deviation().data,
          observation_norm_.limit()};
}

PolicyView Ppo::policy() {
  PolicyView p;
  p.actor = actor_.view();
  p.critic = critic_.view();
  if (!env_.spec().actions.discrete) p.log_std = parameters_.values("log_std").data;
  p.norm = norm();
  return p;
}

void Ppo::pack(Exec const& exec) {
  actor_.pack(exec, parameters_.values("actor"));
  critic_.pack(exec, parameters_.values("critic"));
}

// ---- collect: T steps of every instance, then advantages ----

void Ppo::collect() {
  NvtxRange const range("collect");
  collect_.launch();
  env_steps_ += static_cast<std::int64_t>(config_.steps) * env_.num_envs();
}

void Ppo::roll_out(Exec const& exec) {
  if (vision_) {
    vision_->roll_out(exec, env_, parameters_.values("encoder"), policy(), storage_.view(),
                      storage_.next_value.out(), storage_.final_value.out());
  } else {
    env_.rollout(exec, policy(), storage_.view());
    value_ends(exec);
  }
  estimate_advantages(exec);
}

// V of what comes after the last step, and of the last observations of truncated episodes.
void Ppo::value_ends(Exec const& exec) {
  Storage& s = storage_;
  int const n = env_.padded(), all = n * config_.steps, o = env_.observation_fields();
  visit(exec, [&](auto e) {
    observation_values(e, critic_.view(), norm(), env_.memory().observation, n, {}, {},
                       s.next_value.out());
    if (!config_.bootstrap_truncated) return;
    select_indices(e, s.truncated.in(), s.ended.out(), s.num_ended.out(), s.select_workspace.out());
    observation_values(e, critic_.view(), norm(), {s.final_observation.data(), o}, all,
                       s.ended.in(), s.num_ended.in(), s.final_value.out());
  });
}

void Ppo::estimate_advantages(Exec const& exec) {
  Storage& s = storage_;
  visit(exec, [&](auto e) {
    if (config_.normalise_reward) {
      // `returns` holds the discounted returns until GAE overwrites it.
      discounted_return(e, config_.steps, config_.gamma, s.reward.in(), s.terminated.in(),
                        s.truncated.in(), discounted_return_.out(), s.returns.out());
      return_norm_.update(exec, config_.steps, env_.num_envs(), s.returns.in());
    }
    GaeInput const in{s.reward.in(),
                      s.value.in(),
                      s.terminated.in(),
                      s.truncated.in(),
                      s.next_value.in(),
                      s.final_value.in(),
                      config_.normalise_reward ? return_norm_.inverse_deviation() : In<float>{}};
    GaeConfig const config{config_.gamma, config_.lambda, config_.bootstrap_truncated};
    gae(e, config_.steps, in, config, s.advantage.out(), s.returns.out());
  });
}

// ---- update: E epochs over M minibatches ----

void Ppo::update() {
  NvtxRange const range("update");
  update_.launch();
}

void Ppo::record_tape() {
  bool const discrete = env_.spec().actions.discrete;
  PpoConfig const config{config_.clip, config_.value_clip, config_.value_coefficient,
                         config_.normalise_advantage};
  if (vision_)
    observation_ = tape_.encoder(
        ConvInput(InRows<std::uint8_t>(minibatch_.pixels.data(), minibatch_.rows, pixel_bytes()),
                  kPixelOffset),
        vision_->shape(), parameters_.values("encoder"), parameters_.gradient("encoder"));
  else
    observation_ = tape_.input(minibatch_.rows, env_.observation_fields());
  head_ = tape_.mlp(observation_, actor_training_, parameters_.values("actor"),
                    parameters_.gradient("actor"));
  value_ = tape_.mlp(observation_, critic_training_, parameters_.values("critic"),
                     parameters_.gradient("critic"));
  tape_.loss({head_, value_}, [this, config, discrete](Exec const& exec,
                                                       std::vector<OutRows<float>> const& d) {
    Minibatch& m = minibatch_;
    auto const rows = static_cast<std::size_t>(m.rows);
    OutRows<float> const head = tape_.value(head_), value = tape_.value(value_);
    PpoBatch const batch{
        {value.data, rows}, m.log_prob.in(), m.value.in(), m.advantage.in(), m.returns.in()};
    Out<float> const d_value{d[1].data, rows};
    PpoMetrics const metrics{words_.metrics.out(), words_.metric_sums.out()};
    visit(exec, [&](auto e) {
      if (discrete)
        ppo_loss_discrete(e, config, words_.entropy_coefficient.in(), head, as_ints(m.action),
                          batch, d[0], d_value, metrics, m.loss_workspace.out());
      else
        ppo_loss_gaussian(
            e, config, words_.entropy_coefficient.in(), head, parameters_.values("log_std"),
            {m.action.data(), m.rows, env_.action_fields()}, batch, d[0],
            parameters_.gradient("log_std"), d_value, metrics, m.loss_workspace.out());
    });
  });
}

void Ppo::gather(Exec const& exec, In<std::int32_t> places) {
  Storage const& s = storage_;
  Minibatch& m = minibatch_;
  OutRows<float> const x = tape_.value(observation_);
  if (vision_) vision_->pixels().observe(exec, places, {m.pixels.data(), m.rows, pixel_bytes()});
  visit(exec, [&](auto e) {
    auto field = [&](Buffer<float> const& from, Buffer<float>& to, int fields) {
      gather_tiles<float>(e, from.in(), places, {to.data(), m.rows, fields});
    };
    if (!vision_) gather_tiles<float>(e, s.observation.in(), places, x);
    field(s.action, m.action, env_.action_fields());
    field(s.log_prob, m.log_prob, 1);
    field(s.value, m.value, 1);
    field(s.advantage, m.advantage, 1);
    field(s.returns, m.returns, 1);
  });
  if (config_.normalise_observation) observation_norm_.apply(exec, x, x);
}

void Ppo::learn(Exec const& exec) {
  int const batch = config_.steps * env_.num_envs();
  float const horizon = static_cast<float>(config_.anneal_steps) / static_cast<float>(batch);
  auto const rows = static_cast<std::size_t>(minibatch_.rows);
  visit(exec, [&](auto e) {
    linear_schedule(e, config_.learning_rate, horizon, words_.updates.out(),
                    words_.learning_rate.out());
  });
  for (int epoch = 0; epoch < config_.epochs; ++epoch) {
    visit(exec, [&](auto e) {
      permutation(e, seed_, words_.epochs.in(), minibatch_.order.out(),
                  {env_.num_envs(), env_.padded()});
      advance(e, words_.epochs.out());
    });
    for (int k = 0; k < config_.minibatches; ++k) {
      gather(exec, minibatch_.order.in().slice(static_cast<std::size_t>(k) * rows, rows));
      tape_.forward(exec);
      tape_.backward(exec);
      adam_.step(exec, parameters_.values(), parameters_.gradient(), words_.learning_rate.in());
    }
  }
  // The statistics were frozen while this rollout was collected and learned from.
  if (config_.normalise_observation)
    observation_norm_.update(exec, config_.steps, env_.num_envs(), storage_.observation.in());
  pack(exec);
}

// ---- what the driver asks for ----

void Ppo::act(InRows<float> observation, OutRows<float> action, ActMode mode) {
  require<ConfigError>(!vision_, "ppo: this policy sees pixels, not rows of numbers");
  PolicyView p = policy();
  p.greedy = mode == ActMode::greedy;
  visit(exec_,
        [&](auto e) { policy_act(e, env_.spec().actions, p, seed_, acts_, observation, action); });
  if (!p.greedy) ++acts_;
}

std::unique_ptr<Player> Ppo::player(VectorEnv& env) {
  if (!vision_) return Algorithm::player(env);
  class PixelPlayer final : public Player {
   public:
    PixelPlayer(Ppo& ppo, VectorEnv& batch)
        : ppo_(ppo), env_(batch), vision_(batch, ppo.config_.vision, 1) {}
    void act(ActMode mode) override {
      PolicyView p = ppo_.policy();
      p.greedy = mode == ActMode::greedy;
      vision_.act(env_.exec(), env_, ppo_.parameters_.values("encoder"), p);
    }

   private:
    Ppo& ppo_;
    VectorEnv& env_;
    Vision vision_;
  };
  return std::make_unique<PixelPlayer>(*this, env);
}

Metrics Ppo::metrics() {
  EpisodeStatistics const episodes = env_.statistics();
  env_.clear_statistics();
  std::vector<float> const sums = download(words_.metric_sums);
  fill_zero(exec_, words_.metric_sums.out());
  auto mean = [&](PpoMetric m) {
    float const count = sums[static_cast<std::size_t>(PpoMetric::minibatches)];
    return count > 0 ? static_cast<double>(sums[static_cast<std::size_t>(m)] / count) : 0.0;
  };
  Metrics all;
  if (episodes.episodes > 0) {
    all.emplace_back("episode_return", episodes.mean_return);
    all.emplace_back("episode_length", episodes.mean_length);
  }
  all.emplace_back("episodes", static_cast<double>(episodes.episodes));
  all.emplace_back("policy_loss", mean(PpoMetric::policy_loss));
  all.emplace_back("value_loss", mean(PpoMetric::value_loss));
  all.emplace_back("entropy", mean(PpoMetric::entropy));
  all.emplace_back("kl_k1", mean(PpoMetric::kl_k1));
  all.emplace_back("kl_k3", mean(PpoMetric::kl_k3));
  all.emplace_back("clip_fraction", mean(PpoMetric::clip_fraction));
  double const variance = mean(PpoMetric::return_variance);
  all.emplace_back("explained_variance",
                   variance > 0 ? 1 - mean(PpoMetric::residual_variance) / variance : 0.0);
  all.emplace_back("gradient_norm", static_cast<double>(download(exec_, adam_.norm())[0]));
  all.emplace_back("learning_rate", static_cast<double>(download(words_.learning_rate)[0]));
  return all;
}

template <class F>
void Ppo::each_state(F const& f) {
  f("adam.first_moment", adam_.first_moment());
  f("adam.second_moment", adam_.second_moment());
  f("adam.counters", adam_.counters());
  for (auto const& [name, norm] :
       {std::pair{"observation_norm.", &observation_norm_}, {"return_norm.", &return_norm_}}) {
    RunningMoments const m = norm->moments();
    std::string const prefix = name;
    f(prefix + "count", m.count);
    f(prefix + "mean", m.mean);
    f(prefix + "mean_low", m.mean_low);
    f(prefix + "variance", m.variance);
    f(prefix + "variance_low", m.variance_low);
    f(prefix + "inverse_deviation", m.inverse_deviation);
  }
  f("discounted_return", discounted_return_.out());
  f("epochs", words_.epochs.out());
  f("updates", words_.updates.out());
  f("learning_rate", words_.learning_rate.out());
  f("metric_sums", words_.metric_sums.out());
  if (vision_) f("pixels", vision_->pixels().past());
}

void Ppo::save(Checkpoint& checkpoint) {
  parameters_.save(checkpoint, "ppo.");
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.put("ppo." + name, exec_, In<T>(view));
  });
  checkpoint.put("ppo.environments", env_.host_memory());
  checkpoint.state()["ppo"] = {{"env_steps", env_steps_}, {"acts", acts_}};
}

void Ppo::load(Checkpoint const& checkpoint) {
  parameters_.load(checkpoint, "ppo.");
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.get("ppo." + name, exec_, view);
  });
  env_.set_host_memory(checkpoint.get<float>("ppo.environments"));
  env_steps_ = checkpoint.count_at("ppo", "env_steps");
  acts_ = static_cast<std::uint32_t>(
      checkpoint.count_at("ppo", "acts", std::numeric_limits<std::uint32_t>::max()));
  pack(exec_);
}

}  // namespace loom

LOOM_ALGORITHM("ppo", loom::Ppo,
               "proximal policy optimisation: clipped ratio, GAE, many instances");
