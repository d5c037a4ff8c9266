// Whole updates against PyTorch in double precision: every loss, and the gradient of every tensor.
#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <learn/dreamer/behaviour.hpp>
#include <learn/dreamer/world_model.hpp>
#include <numeric>
#include <tests/device.hpp>
#include <tests/fixture.hpp>

namespace loom {
namespace {

constexpr int kSequences = 3, kSteps = 5, kSigns = 32;

// The integers that tests/fixtures/torch/dreamer.py makes as well.

/// MurmurHash3's finaliser.
std::uint32_t mixed(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6BU;
  x ^= x >> 13;
  x *= 0xC2B2AE35U;
  return x ^ (x >> 16);
}

/// What stands for learned parameters.
std::vector<float> hashed_parameters(Parameters const& parameters, std::uint32_t salt) {
  std::vector<float> all;
  std::vector<std::size_t> const bins{255};
  std::uint32_t tensor = 0;
  for (ParameterShape const& s : parameters.shapes()) {
    bool const weight = s.name.ends_with("weight"), gain = s.name.ends_with("gain");
    double const inputs = static_cast<double>(s.size()) / static_cast<double>(s.shape[0]);
    double const scale = weight ? std::exp2(std::ceil(std::log2(2 / std::sqrt(inputs)))) : 0.25;
    for (std::uint32_t i = 0; i < s.size(); ++i) {
      double const x = (mixed(i + salt + 1000003U * tensor) >> 16) / 65536. - 0.5;
      // Biases of bins: rewards and values of a few units, as learned ones.
      double const shift = gain ? 1 : s.shape == bins ? -std::abs(i - 127.) / 4 : 0;
      all.push_back(static_cast<float>(x * scale + shift));
    }
    ++tensor;
  }
  return all;
}

double product_with_signs(In<float> x, std::uint32_t k) {
  double sum = 0;
  for (std::uint32_t i = 0; i < x.size; ++i)
    sum += (mixed(i * 33U + k) & 1U) != 0 ? double{x[i]} : -double{x[i]};
  return sum;
}

std::vector<std::uint8_t> hashed_bytes(std::size_t count, std::uint32_t salt) {
  std::vector<std::uint8_t> all;
  for (std::uint32_t i = 0; i < count; ++i)
    all.push_back(static_cast<std::uint8_t>(mixed(i + salt) >> 24));
  return all;
}

BehaviourShape version_3(bool discrete) {
  BehaviourShape s;
  s.policy =
      discrete ? BehaviourShape::Policy::categorical : BehaviourShape::Policy::bounded_normal;
  s.horizon = 4;
  s.actor.entropy = 0.05F;
  return s;
}

/// What versions 1 and 2 have in common.
BehaviourShape older() {
  BehaviourShape s;
  WorldShape& w = s.world;
  w.rssm.norm.reset();
  w.rssm.activation = Activation::elu;
  w.rssm.prior_layers = 1;
  w.encoder_layers = w.decoder_layers = w.reward_layers = 2;
  w.scalars.kind = ScalarsShape::Kind::normal;
  w.squash = w.continues = false;
  s.policy = BehaviourShape::Policy::tanh_normal;
  s.gradient = BehaviourShape::Gradient::dynamics;
  s.rewards = RewardTiming::departure;
  s.replay_loss = s.slow_loss = 0;
  s.scale_returns = false;
  s.actor_layers = 4;
  s.gamma = 0.99F;
  return s;
}

BehaviourShape version_1() {
  BehaviourShape s = older();
  RssmShape& r = s.world.rssm;
  r.core = RssmShape::Core::reset_after;
  r.deter = r.units = r.tokens = 200;
  r.latents.kind = LatentsShape::Kind::gaussian;
  s.world.free_bits = {3.F, 1.F, 1.F, true, true};
  return s;
}

BehaviourShape version_2() {
  BehaviourShape s = older();
  RssmShape& r = s.world.rssm;
  r.core = RssmShape::Core::layer_norm;
  r.deter = 96, r.units = r.tokens = 64;
  r.latents.groups = r.latents.classes = 8, r.latents.unimix = 0;
  s.world.free_bits = {0.F, 0.8F, 0.2F, false, true};
  s.policy = BehaviourShape::Policy::truncated_normal;
  s.from_start = s.slow_targets = true;
  s.actor.entropy = 0.05F;
  return s;
}

/// Actions of its environment are discrete: the score function, a slow critic's values as baseline.
BehaviourShape version_2_discrete() {
  BehaviourShape s = version_2();
  s.policy = BehaviourShape::Policy::categorical;
  s.gradient = BehaviourShape::Gradient::reinforce;
  s.actor.unimix = 0;
  return s;
}

/// Predicts the discount, of a loss that counts five times.
BehaviourShape with_ends(BehaviourShape s) {
  s.world.continues = true;
  s.world.continuation = 5;
  s.gamma = 1;
  return s;
}

BehaviourShape of_pictures(BehaviourShape s, ImageShape images) {
  WorldShape& w = s.world;
  images.norm = w.rssm.norm.has_value();
  images.activation = w.rssm.activation;
  images.feature = w.rssm.feature();
  w.rssm.tokens = images.tokens();
  w.observation = images.pixels();
  w.images = images;
  return s;
}

BehaviourShape filled(BehaviourShape s, Fixture const& f) {
  s.world.rssm.actions = static_cast<int>(f.shape("action")[2]);
  if (!s.world.images) s.world.observation = static_cast<int>(f.shape("observation")[2]);
  for (auto const& name : f.names())
    if (name == "free") s.world.free_bits.free = static_cast<float>(f.scalar("free"));
  return s;
}

/// All of the update's parts with the fixture's numbers in them.
struct Update {
  Fixture f;
  BehaviourShape shape;
  Parameters world, actor, critic, slow;
  Buffer<float> observation;
  Buffer<std::uint8_t> picture;
  Buffer<float> action, latent, reward, first, last, goes_on, dfeature;
  Buffer<std::uint32_t> streams, tick;
  WorldModel model;
  Behaviour behaviour;

  static std::vector<std::uint32_t> count_up(int n) {
    std::vector<std::uint32_t> x(static_cast<std::size_t>(n));
    std::iota(x.begin(), x.end(), 0U);
    return x;
  }

  /// A part of the fixture, zeros if it does not have it.
  Buffer<float> part(Exec const& exec, char const* name) const {
    for (auto const& n : f.names())
      if (n == name) return uploaded(exec, f.floats(name));
    return zeros<float>(exec, (kSteps + 1) * kSequences);
  }

  Update(Exec const& exec, char const* fixture, BehaviourShape const& like)
      : f(std::string("torch/") + fixture),
        shape(filled(like, f)),
        world(exec, world_parameters(shape.world)),
        actor(exec, actor_parameters(shape)),
        critic(exec, critic_parameters(shape)),
        slow(exec, critic_parameters(shape)),
        observation(part(exec, "observation")),
        picture(
            uploaded(exec, hashed_bytes(elements((kSteps + 1) * kSequences,
                                                 shape.world.images ? shape.world.observation : 0),
                                        shape.world.rssm.norm ? 900 : 901))),
        action(uploaded(exec, f.floats("action"))),
        latent(zeros<float>(exec, static_cast<std::size_t>((kSteps + 1) * kSequences *
                                                           shape.world.rssm.feature()))),
        reward(part(exec, "reward")),
        first(part(exec, "first")),
        last(part(exec, "last")),
        goes_on(part(exec, "goes_on")),
        dfeature(exec, static_cast<std::size_t>(kSteps * kSequences * shape.world.rssm.feature())),
        streams(uploaded(exec, count_up(kSequences * kSteps * (2 * shape.horizon + 1)))),
        tick(uploaded(exec, std::vector<std::uint32_t>{3})),
        model(exec, shape.world, kSequences, kSteps, world),
        behaviour(exec, shape, kSequences, kSteps, world, actor, critic, slow) {
    std::uint32_t salt = 0;
    for (Parameters* p : {&world, &actor, &critic, &slow})
      upload<float>(exec, hashed_parameters(*p, ++salt), p->values());
    auto const start = download(part(exec, "start"));
    upload<float>(exec, start, latent.out().slice(0, start.size()));
    upload<float>(exec, std::vector<float>{2.5F, 0, 0}, behaviour.range());

    int const all = (kSteps + 1) * kSequences, rows = kSteps * kSequences;
    int const features = shape.world.rssm.feature();
    SequenceReplay::Records const batch{{observation.data(), all, shape.world.observation},
                                        {action.data(), all, shape.world.rssm.actions},
                                        {latent.data(), all, features},
                                        reward.in(),
                                        first.in(),
                                        last.in(),
                                        goes_on.in(),
                                        {picture.data(), all, shape.world.observation}};
    auto const n = static_cast<std::size_t>(rows);
    auto const cut = [&](In<float> x) { return x.slice(kSequences, n); };
    model.forward(exec, batch, {77, streams.in().slice(0, n), tick.in()});
    OutRows<float> const slope(dfeature.data(), rows, features);
    behaviour.learn(
        exec, model.feature(),
        {{}, {}, {}, cut(batch.reward), cut(batch.first), cut(batch.last), cut(batch.goes_on)},
        {77, streams.in().slice(n, streams.size() - n), tick.in()}, slope);
    model.backward(exec, slope);
  }
};

/// Everything that an update computes, for comparisons of bits.
std::vector<std::vector<float>> bits_of(Exec const& exec, Update& u) {
  std::vector<std::vector<float>> all{download(exec, u.model.losses()),
                                      download(exec, u.behaviour.losses())};
  for (Parameters* p : {&u.world, &u.actor, &u.critic})
    all.push_back(download(exec, In<float>(p->gradient())));
  return all;
}

void expect_losses(Update& u, Exec const& exec,
                   std::vector<std::pair<char const*, WorldLoss>> const& of_world,
                   std::vector<std::pair<char const*, BehaviourLoss>> const& of_behaviour) {
  auto const check = [&](char const* name, float got) {
    double const want = u.f.scalar(name);
    EXPECT_NEAR(got, want, 1e-5 * std::abs(want)) << name << " on " << describe(exec);
  };
  auto const world = download(exec, u.model.losses()),
             behaviour = download(exec, u.behaviour.losses());
  for (auto const& [name, k] : of_world) check(name, world[static_cast<std::size_t>(k)]);
  for (auto const& [name, k] : of_behaviour) check(name, behaviour[static_cast<std::size_t>(k)]);
}

/// Norm-wise, estimated from the products with signs.
void expect_gradients(Update& u, Exec const& exec, std::string const& prefix,
                      Parameters& parameters, double tolerance = 1e-4) {
  auto const all = download(exec, In<float>(parameters.gradient()));
  std::size_t at = 0;
  for (ParameterShape const& s : parameters.shapes()) {
    auto const want = u.f.vector(prefix + s.name);
    ASSERT_EQ(want.size(), kSigns + 1U);
    In<float> const got(all.data() + at, s.size());
    at += s.size();
    double squares = 0;
    for (std::uint32_t k = 0; k < kSigns; ++k) {
      double const error = product_with_signs(got, k) - want[k + 1];
      squares += error * error / kSigns;
    }
    EXPECT_LT(std::sqrt(squares), tolerance * want[0])
        << prefix << s.name << ", norm " << want[0] << ", on " << describe(exec);
  }
}

/// Machines, and whether they imagine and follow records by the fused kernels; on a GPU those compute in bf16.
std::vector<std::pair<Exec, bool>> every_way() {
  std::vector<std::pair<Exec, bool>> all{{Cpu{}, true}};
  for (Exec const& exec : every_exec()) all.emplace_back(exec, false);
  return all;
}

/// An update on every machine: what all versions measure, these losses besides, and all gradients.
void expect_update(char const* fixture, BehaviourShape const& shape,
                   std::vector<std::pair<char const*, BehaviourLoss>> of_behaviour) {
  of_behaviour.insert(of_behaviour.end(), {{"critic_loss", BehaviourLoss::critic},
                                           {"returns", BehaviourLoss::returns},
                                           {"values", BehaviourLoss::values}});
  std::vector<std::pair<char const*, WorldLoss>> of_world{
      {"reconstruction", WorldLoss::reconstruction},
      {"reward_loss", WorldLoss::reward},
      {"divergence_loss", WorldLoss::divergence},
      {"divergence", WorldLoss::divergence_mean}};
  if (shape.world.continues) of_world.emplace_back("continue_loss", WorldLoss::goes_on);
  for (auto const& [exec, fused] : every_way()) {
    BehaviourShape way = shape;
    way.fused = way.world.rssm.fused = fused;
    Update u(exec, fixture, way);
    expect_losses(u, exec, of_world, of_behaviour);
    expect_gradients(u, exec, "world/", u.world);
    expect_gradients(u, exec, "actor/", u.actor);
    expect_gradients(u, exec, "critic/", u.critic);
    if (shape.scale_returns) {
      double const range = u.f.scalar("range");
      EXPECT_NEAR(download(exec, In<float>(u.behaviour.range()))[0], range, 1e-5 * range);
    }
  }
}

TEST(DreamerUpdate, Version3EqualsPyTorch) {
  for (bool const discrete : {true, false})
    expect_update(discrete ? "dreamer_v3_discrete" : "dreamer_v3_normal", version_3(discrete),
                  {{"actor_loss", BehaviourLoss::actor},
                   {"entropy", BehaviourLoss::entropy},
                   {"replay_critic_loss", BehaviourLoss::replay_critic}});
}

// Its actor's gradient comes through fifteen steps of the model.
TEST(DreamerUpdate, Version1EqualsPyTorch) { expect_update("dreamer_v1", version_1(), {}); }

// The kernel's way on a GPU, bf16 states and weights: the same losses and gradient but for that.
TEST(DreamerUpdate, Version1ByTheKernelOnAGpuIsNear) {
  SKIP_WITHOUT_DEVICE();
  for (Exec const& exec : every_exec()) {
    if (on_cpu(exec)) continue;
    // From the same states: records are followed by the layers.
    BehaviourShape shape = version_1();
    shape.world.rssm.fused = false;
    Update u(exec, "dreamer_v1", shape);
    auto const losses = download(exec, u.behaviour.losses());
    for (auto const& [name, k] : {std::pair{"critic_loss", BehaviourLoss::critic},
                                  {"returns", BehaviourLoss::returns},
                                  {"values", BehaviourLoss::values}}) {
      double const want = u.f.scalar(name);
      EXPECT_NEAR(losses[static_cast<std::size_t>(k)], want, 2e-2 * std::abs(want)) << name;
    }
    expect_gradients(u, exec, "actor/", u.actor, 5e-2);
  }
}

TEST(DreamerUpdate, Version2EqualsPyTorch) {
  expect_update("dreamer_v2", version_2(), {{"entropy", BehaviourLoss::entropy}});
}

// Ends are predicted: returns have a gradient through the discount as well.
TEST(DreamerUpdate, Version1WithEndsEqualsPyTorch) {
  expect_update("dreamer_v1_ends", with_ends(version_1()), {});
}

TEST(DreamerUpdate, Version2OfDiscreteActionsEqualsPyTorch) {
  expect_update("dreamer_v2_discrete", with_ends(version_2_discrete()),
                {{"actor_loss", BehaviourLoss::actor}, {"entropy", BehaviourLoss::entropy}});
}

// The first revision of version 3: its actor learns through the model, two-hot heads and block-diagonal layers.
TEST(DreamerUpdate, Version3ThroughTheModelEqualsPyTorch) {
  BehaviourShape s = version_3(false);
  s.gradient = BehaviourShape::Gradient::dynamics;
  expect_update(
      "dreamer_v3_through", s,
      {{"entropy", BehaviourLoss::entropy}, {"replay_critic_loss", BehaviourLoss::replay_critic}});
}

constexpr ImageShape kPooled{.size = 32, .depth = 2},
    kStrided{.kind = ImageShape::Kind::strided, .size = 32, .depth = 2};

// Pictures halved by pooling or by strides, a sigmoid and the norm of every pixel.
TEST(DreamerUpdate, Version3OfPicturesEqualsPyTorch) {
  for (bool const pooled : {true, false})
    expect_update(pooled ? "dreamer_v3_pooled" : "dreamer_v3_strided",
                  of_pictures(version_3(true), pooled ? kPooled : kStrided),
                  {{"actor_loss", BehaviourLoss::actor},
                   {"entropy", BehaviourLoss::entropy},
                   {"replay_critic_loss", BehaviourLoss::replay_critic}});
}

// Convolutions without padding, back with windows of their own, normal distributions.
TEST(DreamerUpdate, Version1OfPicturesEqualsPyTorch) {
  expect_update(
      "dreamer_v1_valid",
      of_pictures(version_1(), {.kind = ImageShape::Kind::valid, .depth = 1, .kernel = 4}), {});
}

double distance(std::vector<float> const& x, std::vector<float> const& from) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    error += (double{x[i]} - from[i]) * (double{x[i]} - from[i]);
    size += double{from[i]} * from[i];
  }
  return std::sqrt(error / std::max(size, 1e-30));
}

// Every core with the model's own gradient and with an activation whose derivative is taken at its input.
TEST(DreamerUpdate, ByTheKernelsIsThatByTheLayers) {
  for (RssmCore const core : {RssmCore::reset_after, RssmCore::layer_norm, RssmCore::block}) {
    BehaviourShape shape = version_1();
    RssmShape& r = shape.world.rssm;
    r.core = core;
    r.deter = 96, r.units = r.tokens = 64;
    r.activation = Activation::silu;
    r.prior_layers = r.posterior_layers = 2;
    if (core == RssmCore::block) r.norm = Norm::rms;
    ASSERT_TRUE(Imagination::serves(Exec{Cpu{}}, shape));
    ASSERT_EQ(ObservationScan::refusal(Exec{Cpu{}}, r), "");
    Update fused(Exec{Cpu{}}, "dreamer_v1", shape);
    shape.fused = r.fused = false;
    Update layers(Exec{Cpu{}}, "dreamer_v1", shape);
    auto const x = bits_of(Exec{Cpu{}}, fused), want = bits_of(Exec{Cpu{}}, layers);
    for (std::size_t k = 0; k < x.size(); ++k)
      // Losses, then gradients, by fast functions and in another order.
      EXPECT_LT(distance(x[k], want[k]), k < 2 ? 1e-5 : 1e-4)
          << "core " << static_cast<int>(core) << ", part " << k;
  }
}

TEST(DreamerUpdate, RepeatsItselfBitForBitOnAnyNumberOfThreads) {
  ThreadPool two(2);
  for (bool const pictures : {false, true}) {
    char const* const fixture = pictures ? "dreamer_v3_pooled" : "dreamer_v3_discrete";
    BehaviourShape const shape = pictures ? of_pictures(version_3(true), kPooled) : version_3(true);
    Update once(Exec{Cpu{}}, fixture, shape);
    auto const first = bits_of(Exec{Cpu{}}, once);
    for (Exec const& exec : {Exec{Cpu{}}, Exec{Cpu{&two}}}) {
      Update again(exec, fixture, shape);
      EXPECT_EQ(bits_of(exec, again), first) << describe(exec);
    }
  }
}

}  // namespace
}  // namespace loom
