#include <cmath>
#include <kernels/core/nvtx.hpp>
#include <kernels/linalg/add.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/nn/moving_average.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/dreamer/dreamer.hpp>
#include <learn/dreamer/imagination.hpp>
#include <limits>
#include <numeric>
#include <sim/core/rows.hpp>

namespace loom {
namespace {

std::uint64_t seed_of(std::uint64_t seed, std::uint64_t purpose) {
  return seed * 0x9E3779B97F4A7C15ULL + purpose;
}

SequenceReplay::Config replay_config(VectorEnv const& env, BehaviourShape const& shape,
                                     Dreamer::Config const& c) {
  SequenceReplay::Config r;
  r.instances = env.num_envs();
  std::int64_t const each = c.capacity / env.num_envs();
  require<ConfigError>(each < std::numeric_limits<int>::max(), "dreamer: capacity ", c.capacity,
                       " (needs fewer than 2^31 records)");
  r.capacity = static_cast<int>(each);
  (shape.world.images ? r.picture : r.observation) = shape.world.observation;
  if (shape.world.images) r.observation = 0;
  r.action = shape.world.rssm.actions;
  r.latent = c.stored_latents ? shape.world.rssm.feature() : 0;
  r.sequences = c.batch;
  r.length = c.length + 1;
  r.online = c.online ? c.batch : 0;
  r.seed = seed_of(env.config().seed, 1);
  return r;
}

std::vector<std::uint32_t> count_up(int n) {
  std::vector<std::uint32_t> x(static_cast<std::size_t>(n));
  std::iota(x.begin(), x.end(), 0U);
  return x;
}

}  // namespace

Dreamer::Learned::Learned(Exec const& exec, std::vector<ParameterShape> shapes,
                          Config const& config, float learning_rate_)
    : parameters(exec, std::move(shapes)),
      rate(learning_rate_ > 0 ? learning_rate_ : config.learning_rate),
      learning_rate(loom::zeros<float>(exec, 1)),
      steps(loom::zeros<std::uint32_t>(exec, 1)) {
  if (config.optimiser == "laprop") {
    std::vector<std::size_t> sizes;
    for (auto const& s : parameters.shapes()) sizes.push_back(s.size());
    LaPropConfig laprop_config;
    laprop_config.clip = config.clip;
    laprop.emplace(exec, sizes, laprop_config);
  } else {
    AdamConfig adam_config;
    adam_config.max_norm = config.clip;
    adam_config.epsilon = config.adam_epsilon;
    adam_config.weight_decay = config.weight_decay;
    adam.emplace(exec, parameters.size(), adam_config);
  }
}

void Dreamer::Learned::step(Exec const& exec, int warm_up_steps) {
  visit(exec, [&](auto e) {
    warm_up(e, rate, static_cast<float>(warm_up_steps), steps.out(), learning_rate.out());
  });
  if (laprop)
    laprop->step(exec, parameters.values(), parameters.gradient(), learning_rate.in());
  else
    adam->step(exec, parameters.values(), parameters.gradient(), learning_rate.in());
}

template <class F>
void Dreamer::Learned::each_state(std::string const& name, F const& f) {
  f(name + "first_moment", laprop ? laprop->momentum() : adam->first_moment());
  f(name + "second_moment", laprop ? laprop->second_moment() : adam->second_moment());
  f(name + "counters", laprop ? laprop->counters() : adam->counters());
  f(name + "learning_rate", learning_rate.out());
  f(name + "steps", steps.out());
}

Dreamer::Instances::Instances(VectorEnv const& env, WorldShape const& shape)
    : count(env.num_envs()), observer(env, shape) {
  Exec const& exec = env.exec();
  auto const n = static_cast<std::size_t>(count);
  reward = loom::zeros<float>(exec, n);
  last_reward = loom::zeros<float>(exec, n);
  last_goes_on = loom::zeros<float>(exec, n);
  zeros = loom::zeros<float>(exec, n);
  ones = uploaded(exec, std::vector<float>(n, 1.F));
  first = uploaded(exec, std::vector<float>(n, 1.F));
  ended = loom::zeros<std::uint8_t>(exec, n);
}

Dreamer::Dreamer(Exec const& exec, VectorEnvConfig const& env, Config const& config)
    : exec_(exec),
      config_(config.sized()),
      env_(exec, env),
      seed_(env.seed),
      shape_(config_.behaviour(env_.spec())),
      world_(exec, world_parameters(shape_.world), config_, config_.learning_rate),
      actor_(exec, actor_parameters(shape_), config_, config_.actor_learning_rate),
      critic_(exec, critic_parameters(shape_), config_, config_.critic_learning_rate),
      slow_critic_(exec, critic_parameters(shape_)),
      replay_(exec, replay_config(env_, shape_, config_)),
      model_(exec, shape_.world, config_.batch, config_.length, world_.parameters),
      behaviour_(exec, shape_, config_.batch, config_.length, world_.parameters, actor_.parameters,
                 critic_.parameters, slow_critic_),
      policy_(exec, shape_, env_.spec().actions, env_.num_envs(), seed_of(seed_, 2),
              world_.parameters, actor_.parameters),
      instances_(env_, shape_.world),
      streams_(uploaded(
          exec, count_up(model_.rows() + Trajectories::draws(model_.rows(), config_.horizon)))),
      tick_(zeros<std::uint32_t>(exec, 1)),
      dfeature_(exec, elements(model_.rows(), shape_.world.rssm.feature())),
      loss_sums_(zeros<float>(exec, static_cast<std::size_t>(WorldLoss::count) +
                                        static_cast<std::size_t>(BehaviourLoss::count))),
      collect_(exec, [this](Exec const& e) { step(e); }),
      update_(exec, [this](Exec const& e) { learn(e); }),
      follow_(exec, [this](Exec const& e) { follow(e); }) {
  initialise_world(exec_, shape_.world, seed_of(seed_, 3), world_.parameters);
  initialise_behaviour(exec_, shape_, seed_of(seed_, 3), actor_.parameters, critic_.parameters);
  copy(exec_, In<float>(critic_.parameters.values()), slow_critic_.values());
  instances_.goes_on = uploaded(
      exec_, std::vector<float>(static_cast<std::size_t>(env_.num_envs()), config_.going_on()));
}

// ---- collect: act, record, step ----

void Dreamer::collect() {
  NvtxRange const range("collect");
  for (int t = 0; t < config_.steps; ++t) collect_.launch();
  env_steps_ += static_cast<std::int64_t>(config_.steps) * env_.num_envs();
}

void Dreamer::step(Exec const& exec) {
  Instances& i = instances_;
  Observation const now = i.observer.observe(exec, env_);
  policy_.act(exec, now, i.first.in(), {false, true});
  replay_.append(exec, {now.floats, policy_.action(), policy_.feature(), i.reward.in(),
                        i.first.in(), i.zeros.in(), i.goes_on.in(), now.bytes});
  policy_.hand_over(exec, env_);
  i.observer.step(exec, env_);
  Observation const last = i.observer.last(exec, env_);
  visit(exec, [&](auto e) {
    replay_marks(e, config_.going_on(), env_.reward(), env_.terminated(), env_.truncated(),
                 {i.ended.out(), i.first.out(), i.reward.out(), i.last_goes_on.out()});
  });
  In<float> last_reward = env_.reward().slice(0, static_cast<std::size_t>(i.count));
  if (float const scale = config_.reward_scale; scale != 1.F) {
    visit(exec, [&](auto e) {
      affine(e, scale, 0.F, i.reward.in(), i.reward.out());
      affine(e, scale, 0.F, last_reward, i.last_reward.out());
    });
    last_reward = i.last_reward.in();
  }
  replay_.append(exec,
                 {last.floats, policy_.action(), policy_.feature(), last_reward, i.zeros.in(),
                  i.ones.in(), i.last_goes_on.in(), last.bytes},
                 i.ended.in());
}

// ---- update: one batch through model, actor and critic ----

std::int64_t Dreamer::due(std::int64_t env_steps) const {
  std::int64_t const before = std::max(config_.prefill, config_.length + 1);
  std::int64_t const trained = env_steps - before * env_.num_envs();
  if (trained < 0) return 0;
  double const records = static_cast<double>(config_.batch) * config_.length;
  return static_cast<std::int64_t>(static_cast<double>(trained) *
                                   static_cast<double>(config_.train_ratio) / records);
}

void Dreamer::update() {
  NvtxRange const range("update");
  while (updates_ < due(env_steps_)) {
    update_.launch();
    ++updates_;
    if (updates_ % config_.slow_every == 0) follow_.launch();
  }
}

void Dreamer::learn(Exec const& exec) {
  auto const rows = static_cast<std::size_t>(model_.rows());
  RowDraws const draws{seed_of(seed_, 4), streams_.in(), tick_.in()};
  auto const part = [&](std::size_t from, std::size_t n) {
    return RowDraws{draws.seed, draws.stream.slice(from, n), draws.tick};
  };
  PhaseClock clock(on_cpu(exec) ? &spent_ : nullptr);
  replay_.sample(exec, tick_.in());
  clock.lap("replay");
  SequenceReplay::Records const batch = replay_.batch();
  model_.forward(exec, batch, part(0, rows));
  clock.lap("world_model");
  auto const cut = [&](In<float> x) {
    return x.slice(static_cast<std::size_t>(config_.batch), rows);
  };
  OutRows<float> const dfeature(dfeature_.data(), model_.rows(), shape_.world.rssm.feature());
  behaviour_.learn(
      exec, model_.feature(),
      {{}, {}, {}, cut(batch.reward), cut(batch.first), cut(batch.last), cut(batch.goes_on)},
      part(rows, streams_.size() - rows), dfeature);
  clock.lap("behaviour");
  model_.backward(exec, dfeature);
  clock.lap("world_model");
  replay_.write_back(exec, model_.feature());
  clock.lap("replay");
  visit(exec, [&](auto e) {
    auto const n = static_cast<std::size_t>(WorldLoss::count);
    Out<float> const world = loss_sums_.out().slice(0, n),
                     behaviour = loss_sums_.out().slice(n, loss_sums_.size() - n);
    add(e, world, model_.losses(), world);
    add(e, behaviour, behaviour_.losses(), behaviour);
    advance(e, tick_.out());
  });
  for (Learned* part_of : {&world_, &actor_, &critic_}) part_of->step(exec, config_.warm_up);
  clock.lap("optimiser");
}

void Dreamer::follow(Exec const& exec) {
  visit(exec, [&](auto e) {
    moving_average(e, shape_.slow_rate, critic_.parameters.values(), slow_critic_.values());
  });
}

// ---- what the driver asks for ----

void Dreamer::act(InRows<float> observation, OutRows<float> action, ActMode mode) {
  require<ConfigError>(!shape_.world.images,
                       "dreamer: this policy sees pixels, not rows of numbers");
  if (rows_policy_ == nullptr || rows_policy_->action().rows != observation.rows)
    rows_policy_ =
        std::make_unique<LatentPolicy>(exec_, shape_, env_.spec().actions, observation.rows,
                                       seed_of(seed_, 5), world_.parameters, actor_.parameters);
  Buffer<float> const first =
      uploaded(exec_, std::vector<float>(static_cast<std::size_t>(observation.rows), 1.F));
  rows_policy_->set_acts(mode == ActMode::greedy ? 0 : ++rows_acts_);
  rows_policy_->act(exec_, observation, first.in(), how(mode));
  rows_policy_->actions(exec_, action);
}

/// Plays in a batch of its own: first observations are those of the start and after every end.
class Dreamer::LatentPlayer final : public Player {
 public:
  LatentPlayer(Dreamer& dreamer, VectorEnv& env)
      : dreamer_(dreamer),
        env_(env),
        policy_(env.exec(), dreamer.shape_, env.spec().actions, env.num_envs(),
                seed_of(dreamer.seed_, 6), dreamer.world_.parameters, dreamer.actor_.parameters),
        instances_(env, dreamer.shape_.world) {}

  void act(ActMode mode) override {
    Instances& i = instances_;
    Exec const& exec = env_.exec();
    visit(exec, [&](auto e) {
      if (begun_)
        replay_marks(e, 1.F, env_.reward(), env_.terminated(), env_.truncated(),
                     {i.ended.out(), i.first.out(), i.reward.out(), i.last_goes_on.out()});
    });
    begun_ = true;
    policy_.act(exec, i.observer.observe(exec, env_), i.first.in(), dreamer_.how(mode));
    policy_.hand_over(exec, env_);
  }

 private:
  Dreamer const& dreamer_;
  VectorEnv& env_;
  LatentPolicy policy_;
  Instances instances_;
  bool begun_ = false;
};

std::unique_ptr<Player> Dreamer::player(VectorEnv& env) {
  return std::make_unique<LatentPlayer>(*this, env);
}

std::string Dreamer::note() const {
  RssmShape const& model = shape_.world.rssm;
  std::string const imagines = shape_.fused ? Imagination::refusal(exec_, shape_) : "",
                    follows = model.fused ? ObservationScan::refusal(exec_, model) : "";
  std::string const how = " layer by layer: the one kernel ";
  if (imagines.empty() && follows.empty()) return "";
  if (imagines == follows) return "imagines and follows records" + how + imagines;
  if (follows.empty()) return "imagines" + how + imagines;
  if (imagines.empty()) return "follows records" + how + follows;
  return "imagines" + how + imagines + "; follows records" + how + follows;
}

Metrics Dreamer::metrics() {
  EpisodeStatistics const episodes = env_.statistics();
  env_.clear_statistics();
  std::vector<float> const sums = download(loss_sums_);
  fill_zero(exec_, loss_sums_.out());
  auto const updates = static_cast<double>(std::max<std::int64_t>(updates_ - measured_, 1));
  bool const learned = updates_ > measured_;
  measured_ = updates_;
  auto const world = [&](WorldLoss k, double rows) {
    return static_cast<double>(sums[static_cast<std::size_t>(k)]) / (updates * rows);
  };
  auto const behaviour = [&](BehaviourLoss k, double rows) {
    return static_cast<double>(
               sums[static_cast<std::size_t>(WorldLoss::count) + static_cast<std::size_t>(k)]) /
           (updates * rows);
  };
  double const rows = model_.rows(), imagined = behaviour_.rows(), chosen = behaviour_.actor_rows(),
               recorded = model_.rows() - config_.batch;
  Metrics all;
  if (episodes.episodes > 0) {
    all.emplace_back("episode_return", episodes.mean_return);
    all.emplace_back("episode_length", episodes.mean_length);
  }
  all.emplace_back("episodes", static_cast<double>(episodes.episodes));
  all.emplace_back("updates", static_cast<double>(updates_));
  all.emplace_back("reconstruction_loss", world(WorldLoss::reconstruction, rows));
  all.emplace_back("reward_loss", world(WorldLoss::reward, rows));
  if (config_.continues) all.emplace_back("continue_loss", world(WorldLoss::goes_on, rows));
  all.emplace_back("divergence_loss", world(WorldLoss::divergence, 1));
  all.emplace_back("divergence", world(WorldLoss::divergence_mean, 1));
  // Of one categorical: among how many classes it is undecided. Of one number of a Gaussian: nats.
  LatentsShape const& latents = shape_.world.rssm.latents;
  bool const counts = latents.kind == LatentsShape::Kind::categorical;
  for (auto const& [name, loss] : {std::pair{"posterior", WorldLoss::posterior_entropy},
                                   {"prior", WorldLoss::prior_entropy}}) {
    if (!learned) break;
    double const nats = LatentEntropy::mean(latents, world(loss, 1), rows);
    all.emplace_back(std::string(name) + (counts ? "_perplexity" : "_entropy"),
                     counts ? std::exp(nats) : nats);
  }
  all.emplace_back("critic_loss", behaviour(BehaviourLoss::critic, imagined));
  all.emplace_back("imagined_return", behaviour(BehaviourLoss::returns, imagined));
  all.emplace_back("imagined_value", behaviour(BehaviourLoss::values, imagined));
  if (shape_.policy != BehaviourShape::Policy::tanh_normal)
    all.emplace_back("actor_entropy", behaviour(BehaviourLoss::entropy, chosen));
  if (shape_.gradient == BehaviourShape::Gradient::reinforce)
    all.emplace_back("actor_loss", behaviour(BehaviourLoss::actor, chosen));
  if (shape_.on_records())
    all.emplace_back("replay_critic_loss", behaviour(BehaviourLoss::replay_critic, recorded));
  if (shape_.scale_returns)
    all.emplace_back("return_range",
                     static_cast<double>(download(exec_, In<float>(behaviour_.range()))[0]));
  for (auto const& [name, part] :
       {std::pair{"model", &world_}, {"actor", &actor_}, {"critic", &critic_}})
    all.emplace_back(std::string(name) + "_gradient_norm",
                     static_cast<double>(download(exec_, part->norm())[0]));
  all.emplace_back("learning_rate", static_cast<double>(download(world_.learning_rate)[0]));
  return all;
}

Metrics Dreamer::work() const {
  auto const updates = static_cast<double>(updates_);
  return {{"updates", updates}, {"imagined_steps", updates * model_.rows() * config_.horizon}};
}

template <class F>
void Dreamer::each_state(F const& f) {
  for (auto const& [name, part] :
       {std::pair{"model.", &world_}, {"actor.", &actor_}, {"critic.", &critic_}}) {
    part->each_state(name, f);
  }
  policy_.each_state([&](char const* name, auto view) { f(std::string("policy.") + name, view); });
  f("reward", instances_.reward.out());
  f("first", instances_.first.out());
  f("return_range", behaviour_.range());
  f("tick", tick_.out());
  f("loss_sums", loss_sums_.out());
}

void Dreamer::save(Checkpoint& checkpoint) {
  world_.parameters.save(checkpoint, "dreamer.model.");
  actor_.parameters.save(checkpoint, "dreamer.");
  critic_.parameters.save(checkpoint, "dreamer.");
  slow_critic_.save(checkpoint, "dreamer.slow_");
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.put("dreamer." + name, exec_, In<T>(view));
  });
  replay_.save(checkpoint, "dreamer.replay.");
  checkpoint.put("dreamer.environments", env_.host_memory());
  checkpoint.state()["dreamer"] = {
      {"env_steps", env_steps_}, {"updates", updates_}, {"measured", measured_}};
}

void Dreamer::load(Checkpoint const& checkpoint) {
  world_.parameters.load(checkpoint, "dreamer.model.");
  actor_.parameters.load(checkpoint, "dreamer.");
  critic_.parameters.load(checkpoint, "dreamer.");
  slow_critic_.load(checkpoint, "dreamer.slow_");
  each_state([&]<class T>(std::string const& name, Out<T> view) {
    checkpoint.get("dreamer." + name, exec_, view);
  });
  replay_.load(checkpoint, "dreamer.replay.");
  env_.set_host_memory(checkpoint.get<float>("dreamer.environments"));
  env_steps_ = checkpoint.count_at("dreamer", "env_steps");
  updates_ = checkpoint.count_at("dreamer", "updates");
  measured_ = checkpoint.count_at("dreamer", "measured");
  // At most what one collect() asks for is open, and the replay has what it needs.
  std::int64_t const step = static_cast<std::int64_t>(config_.steps) * env_.num_envs();
  require<IoError>(updates_ <= due(env_steps_) && updates_ >= due(env_steps_ - step),
                   checkpoint.source(), ": ", updates_, " updates after ", env_steps_,
                   " steps (needs ", due(env_steps_), ")");
  require<IoError>(
      due(env_steps_) == 0 || replay_.fewest() > static_cast<std::uint32_t>(config_.length),
      checkpoint.source(), ": replay of ", replay_.fewest(), " records after ", env_steps_,
      " steps");
}

}  // namespace loom

LOOM_ALGORITHM("dreamer", loom::Dreamer,
               "Dreamer: world model from replay, actor and critic in imagination");
