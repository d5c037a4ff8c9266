// Whole updates: against PyTorch in double precision, against differences of the loss, bit for bit against themselves.
#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/vae/vae.hpp>
#include <tests/device.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr int kRows = 6;
constexpr std::uint64_t kSeed = 77;
constexpr std::uint32_t kTick = 3;

struct Case {
  char const* name;
  int data, condition;
  VaeConfig config;
};

VaeConfig small(char const* likelihood, char const* activation, char const* head,
                char const* clamp) {
  VaeConfig c;
  c.latent = 4;
  c.encoder = c.decoder = {24, 16};
  c.likelihood = likelihood, c.activation = activation, c.head = head, c.clamp = clamp;
  c.output = "linear";
  c.log_std_low = -0.25F, c.log_std_high = 0.25F;
  c.reconstruction_reduction = c.divergence_reduction = "sum";
  c.beta = 1;
  return c;
}

/// As tests/fixtures/torch/vae.py makes them.
std::vector<Case> cases() {
  Case gaussian{"gaussian", 7, 0, small("gaussian", "relu", "log_std", "both")};
  gaussian.config.output = "tanh", gaussian.config.output_scale = 1.5F;
  gaussian.config.reconstruction_reduction = gaussian.config.divergence_reduction = "mean";
  gaussian.config.beta = 0.5F;
  Case conditional{"conditional", 7, 5, small("gaussian", "relu", "log_variance", "sample")};
  conditional.config.reconstruction_reduction = "mean";
  Case const learned{"learned", 7, 5, small("learned_gaussian", "elu", "log_std", "none")};
  Case bernoulli{"bernoulli", 9, 3, small("bernoulli", "relu", "log_variance", "both")};
  bernoulli.config.beta = 0.7F;
  Case image{"image", 200, 3, small("bernoulli", "relu", "log_std", "both")};
  image.config.height = image.config.width = 10, image.config.channels = 2;
  image.config.filters = {4, 6}, image.config.kernels = {4, 2}, image.config.strides = {2, 2};
  return {gaussian, conditional, learned, bernoulli, image};
}

/// One forward and backward pass of a fixture's batch.
struct Update {
  Fixture f;
  VaeShape shape;
  Parameters parameters;
  Buffer<float> x, c;
  Buffer<std::uint32_t> streams, tick;
  VaeTraining training;

  Update(Exec const& exec, Case const& of)
      : f(std::string("torch/vae_") + of.name),
        shape(of.config.shape(of.data, of.condition)),
        parameters(exec, vae_parameters(shape)),
        x(uploaded(exec, f.floats("x"))),
        c(of.condition > 0 ? uploaded(exec, f.floats("c")) : Buffer<float>(exec, 0)),
        streams(uploaded(exec, count_from(0, kRows))),
        tick(uploaded(exec, std::vector<std::uint32_t>{kTick})),
        training(exec, shape, kRows, parameters) {
    upload<float>(exec, f.floats("parameters"), parameters.values());
    training.batch(exec, {x.data(), kRows, shape.data}, conditions());
    run(exec);
  }
  InRows<float> conditions() const {
    return shape.condition > 0 ? InRows<float>(c.data(), kRows, shape.condition) : InRows<float>{};
  }
  void run(Exec const& exec) {
    training.forward(exec, {kSeed, streams.in(), tick.in()});
    training.backward(exec);
  }
  double reconstruction(Exec const& exec) {
    return double{download(exec, training.sums())[0]} / kRows *
           double{shape.reconstruction_weight()};
  }
  double divergence(Exec const& exec) {
    return double{download(exec, training.sums())[1]} / kRows * double{shape.divergence_weight()};
  }
  double loss(Exec const& exec) {
    return reconstruction(exec) + double{shape.beta} * divergence(exec);
  }
};

TEST(VaeUpdate, EqualsPyTorch) {
  for (Case const& of : cases())
    for (Exec const& exec : every_exec()) {
      Update u(exec, of);
      ASSERT_EQ(u.parameters.size(), u.f.vector("parameters").size());
      auto const near = [&](char const* what, double got) {
        double const want = u.f.scalar(what);
        EXPECT_NEAR(got, want, 1e-5 * std::abs(want)) << of.name << ", " << what;
      };
      near("reconstruction", u.reconstruction(exec));
      near("divergence", u.divergence(exec));
      near("loss", u.loss(exec));
      auto const all = download(exec, In<float>(u.parameters.gradient()));
      auto const want = u.f.vector("gradient");
      std::size_t at = 0;
      for (ParameterShape const& s : u.parameters.shapes()) {
        double error = 0, norm = 0;
        for (std::size_t i = at; i < at + s.size(); ++i) {
          error += std::pow(all[i] - want[i], 2);
          norm += std::pow(want[i], 2);
        }
        at += s.size();
        // 3e-6: rounding of sums of a few dozen products.
        EXPECT_LT(std::sqrt(error), 3e-6 * std::sqrt(norm) + 1e-9)
            << of.name << ", " << s.name << " on " << describe(exec);
      }
    }
}

// Along each tensor's gradient the loss changes by the gradient's norm.
TEST(VaeUpdate, GradientIsTheSlopeOfTheLossOverEveryTensor) {
  Exec const exec = Cpu{};
  for (Case of : cases()) {
    if (of.config.activation == "relu") of.config.activation = "silu";  // no kinks within a step
    of.config.clamp = "none";
    Update u(exec, of);
    auto const values = download(exec, In<float>(u.parameters.values())),
               gradient = download(exec, In<float>(u.parameters.gradient()));
    std::size_t at = 0;
    for (ParameterShape const& s : u.parameters.shapes()) {
      double norm = 0;
      for (std::size_t i = at; i < at + s.size(); ++i) norm += std::pow(gradient[i], 2);
      norm = std::sqrt(norm);
      double loss[2];
      // An image's loss is above a hundred nats: its rounding and a longer step's curvature cost digits.
      bool const image = !of.config.filters.empty();
      double const h = image ? 2e-2 : 5e-3, bound = image ? 4e-3 : 1e-3;
      for (int k : {0, 1}) {
        auto moved = values;
        for (std::size_t i = at; i < at + s.size(); ++i)
          moved[i] += static_cast<float>((k == 0 ? -h : h) * double{gradient[i]} / norm);
        upload<float>(exec, moved, u.parameters.values());
        u.run(exec);
        loss[k] = u.loss(exec);
      }
      at += s.size();
      EXPECT_NEAR((loss[1] - loss[0]) / (2 * h), norm, bound * norm) << of.name << ", " << s.name;
    }
  }
}

TEST(VaeUpdate, NetworksAtWorkAgreeWithThoseInTraining) {
  for (Case const& of : cases())
    for (Exec const& exec : every_exec()) {
      Update u(exec, of);
      // Parts of four rows: the batch does not come out even.
      VaeNetworks networks(exec, u.shape, u.parameters, 4);
      Buffer<float> elbo(exec, kRows), weighted(exec, kRows);
      networks.bounds(exec, {u.x.data(), kRows, u.shape.data}, u.conditions(),
                      {kSeed, u.streams.in(), u.tick.in()}, elbo.out(), weighted.out());
      // One sample each: both bounds are the log-weight, whose likelihood is the reconstruction's.
      EXPECT_EQ(download(elbo), download(weighted));
      Buffer<float> mean(exec, elements(kRows, 4)), log_std(exec, mean.size()),
          z(exec, mean.size()), ratio(exec, kRows), y(exec, u.x.size());
      auto const rows = [](Buffer<float>& b) { return OutRows<float>(b.data(), kRows, 4); };
      networks.encode(exec, {u.x.data(), kRows, u.shape.data}, u.conditions(), rows(mean),
                      rows(log_std));
      visit(exec, [&](auto e) {
        GaussianRows const q{rows(mean), rows(log_std)};
        gaussian_latent_sample(e, q, {kSeed, u.streams.in(), u.tick.in()}, rows(z));
        gaussian_latent_log_ratio(e, q, rows(z), ratio.out());
      });
      double expected = -double{download(exec, u.training.sums())[0]}, got = 0;
      for (float const r : download(ratio)) expected += double{r};
      for (float const e : download(elbo)) got += double{e};
      EXPECT_NEAR(got, expected, 1e-5 * std::abs(expected)) << of.name << " on " << describe(exec);
      networks.decode(exec, rows(z), u.conditions(), {y.data(), kRows, u.shape.data});
      bool const probabilities = of.config.likelihood == "bernoulli";
      for (float const p : download(y)) EXPECT_TRUE(!probabilities || (p > 0 && p < 1));
    }
}

TEST(VaeUpdate, ConditionsOfTheFirstLayerServeAllTheirSamples) {
  Exec const exec = Cpu{};
  Case const of = cases()[1];
  Update u(exec, of);
  VaeNetworks networks(exec, u.shape, u.parameters, 10);
  int const n = 5, all = n * kRows;
  auto const z = normal_numbers(elements(all, 4), 0, 1, 3);
  auto const c = u.f.floats("c");
  std::vector<float> repeated;
  for (int r = 0; r < all; ++r)
    repeated.insert(repeated.end(), c.begin() + r / n * 5, c.begin() + (r / n + 1) * 5);
  std::vector<float> shared(elements(all, 7)), own(shared.size());
  networks.decode(exec, {z.data(), all, 4}, {c.data(), kRows, 5}, {shared.data(), all, 7});
  networks.decode(exec, {z.data(), all, 4}, {repeated.data(), all, 5}, {own.data(), all, 7});
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(shared[i], own[i], 1e-5);
}

VaeConfig tiny() {
  VaeConfig c;
  c.latent = 3;
  c.encoder = c.decoder = {32, 24};
  c.batch = 64;
  return c;
}

/// Everything there is after some updates, and then samples.
std::vector<std::uint8_t> trained(Exec const& exec, Vae& vae, int updates) {
  auto const x = uploaded(exec, normal_numbers(elements(64, 4), 0, 0.5, 1)),
             c = uploaded(exec, normal_numbers(elements(64, 2), 0, 1, 2));
  for (int i = 0; i < updates; ++i) vae.update({x.data(), 64, 4}, {c.data(), 64, 2});
  Buffer<float> y(exec, elements(3 * 64, 4));
  vae.sample({c.data(), 64, 2}, 3, {y.data(), 3 * 64, 4});
  Checkpoint all;
  vae.save(all);
  all.put("samples", y);
  auto const bytes = all.bytes();
  return {bytes.begin(), bytes.end()};
}

TEST(Vae, LearnsTheSameBitsOnAnyNumberOfThreads) {
  ThreadPool two(2), three(3);
  std::vector<std::uint8_t> first;
  for (Exec const& exec : {Exec{Cpu{}}, Exec{Cpu{}}, Exec{Cpu{&two}}, Exec{Cpu{&three}}}) {
    Vae vae(exec, tiny(), 4, 2, 5);
    auto const bytes = trained(exec, vae, 20);
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << describe(exec);
  }
}

TEST(Vae, ContinuesBitForBitFromACheckpoint) {
  for (Exec const& exec : every_exec()) {
    Vae whole(exec, tiny(), 4, 2, 5), before(exec, tiny(), 4, 2, 5), after(exec, tiny(), 4, 2, 5);
    (void)trained(exec, whole, 3);
    (void)trained(exec, before, 3);
    Checkpoint checkpoint;
    before.save(checkpoint, "goals.");
    after.load(checkpoint, "goals.");
    EXPECT_EQ(trained(exec, after, 4), trained(exec, whole, 4)) << describe(exec);
  }
}

TEST(Vae, GraphAndSomeoneElsesGraphLearnTheSame) {
  for (Exec const& exec : every_exec()) {
    auto const x = uploaded(exec, normal_numbers(elements(64, 4), 0, 0.5, 1)),
               c = uploaded(exec, normal_numbers(elements(64, 2), 0, 1, 2));
    Vae own(exec, tiny(), 4, 2, 5), other(exec, tiny(), 4, 2, 5);
    Graph graph(exec, [&](Exec const& e) { other.learn(e, {x.data(), 64, 4}, {c.data(), 64, 2}); });
    for (int i = 0; i < 4; ++i) {
      own.update({x.data(), 64, 4}, {c.data(), 64, 2});
      graph.launch();
    }
    EXPECT_EQ(download(exec, In<float>(own.parameters().values())),
              download(exec, In<float>(other.parameters().values())));
  }
}

TEST(Vae, SaysWhatDoesNotFit) {
  VaeConfig c = tiny();
  Vae vae(Cpu{}, c, 4, 2, 5);
  std::vector<float> x(1024);
  OutRows<float> const data(x.data(), 64, 4), condition(x.data(), 64, 2);
  EXPECT_THROW(vae.update(data), ShapeError);
  EXPECT_THROW(vae.update(condition, condition), ShapeError);
  EXPECT_THROW(vae.update({x.data(), 63, 4}, {x.data(), 63, 2}), ShapeError);
  EXPECT_THROW(vae.sample(condition, 2, data), ShapeError);
  EXPECT_THROW(vae.sample(data, 1, data), ShapeError);
  EXPECT_THROW(vae.decode({x.data(), 64, 3}, {x.data(), 63, 2}, data), ShapeError);
  EXPECT_THROW(vae.set_learning_rate(-1), ConfigError);
  c.likelihood = "bernoulli";
  EXPECT_THROW((void)c.shape(4), ConfigError);  // output tanh
  c = tiny(), c.filters = {4};
  EXPECT_THROW((void)c.shape(4), ConfigError);
  c = tiny(), c.filters = {4}, c.kernels = {3}, c.strides = {1}, c.height = c.width = 5;
  c.channels = 1;
  EXPECT_THROW((void)c.shape(24), ConfigError);
  EXPECT_THROW((void)tiny().shape(0), ConfigError);
}

TEST(Vae, KeysReachTheShape) {
  VaeConfig c;
  Settings s;
  c.keys(s);
  s.set_text("latent", "14");
  s.set_text("encoder", "300,400");
  s.set_text("head", "log_variance");
  s.set_text("clamp", "sample");
  s.set_text("divergence_reduction", "sum");
  VaeShape const shape = c.shape(7, 19);
  EXPECT_EQ(shape.latent, 14);
  EXPECT_EQ(shape.encoder, (std::vector<int>{300, 400}));
  EXPECT_EQ(shape.head.scale, 0.5F);
  EXPECT_FALSE(shape.clamp_divergence);
  EXPECT_EQ(shape.divergence_weight(), 1.F);
  EXPECT_EQ(shape.reconstruction_weight(), 1.F / 7);
  EXPECT_THROW(s.set_text("likelihood", "cauchy"), ConfigError);
}

}  // namespace
}  // namespace loom
