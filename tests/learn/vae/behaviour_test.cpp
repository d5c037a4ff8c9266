// What the losses mean, and what samples look like.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/likelihood.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/vae/vae.hpp>
#include <sstream>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

std::vector<float> uniform_numbers(std::size_t n, float low, float high, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> x(n);
  for (float& v : x) v = uniform(engine);
  return x;
}

// ---- reductions ----

constexpr int kActions = 3, kStates = 5, kBatch = 50;

/// One batch through a convention: its losses, and the gradient with log-variance heads read as log-deviations.
struct Measured {
  Vae::Losses losses;
  std::vector<double> gradient;
};

Measured measured(VaeConfig config) {
  config.batch = kBatch;
  config.latent = 2 * kActions;
  config.encoder = config.decoder = {16};
  config.output = "linear";
  Vae vae(Cpu{}, config, kActions, kStates, 9);
  // The same function of the data: a log-variance is twice a log-deviation.
  bool const doubled = config.head == "log_variance";
  std::vector<double> scale(vae.parameters().size(), 1.);
  std::size_t at = 0;
  for (ParameterShape const& s : vae.parameters().shapes()) {
    if (s.name.starts_with("encoder.1"))
      std::fill(scale.begin() + static_cast<std::ptrdiff_t>(at + s.size() / 2),
                scale.begin() + static_cast<std::ptrdiff_t>(at + s.size()), doubled ? 2. : 1.);
    at += s.size();
  }
  auto values = download(Cpu{}, In<float>(vae.parameters().values()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= static_cast<float>(scale[i]);
  upload<float>(Cpu{}, values, vae.parameters().values());
  auto const x = normal_numbers(elements(kBatch, kActions), 0, 0.5, 1),
             c = normal_numbers(elements(kBatch, kStates), 0, 1, 2);
  vae.update({x.data(), kBatch, kActions}, {c.data(), kBatch, kStates});
  auto const gradient = download(Cpu{}, In<float>(vae.parameters().gradient()));
  Measured all{vae.losses(), {}};
  for (std::size_t i = 0; i < gradient.size(); ++i)
    all.gradient.push_back(double{gradient[i]} * scale[i]);
  return all;
}

/// |a - factor b| / |a|
double difference(std::vector<double> const& a, std::vector<double> const& b, double factor) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += std::pow(a[i] - factor * b[i], 2);
    norm += a[i] * a[i];
  }
  return std::sqrt(error / norm);
}

TEST(VaeConventions, AreOneLossWithDifferentVariances) {
  double const k = 2 * kActions, constant = 0.5 * std::log(3.14159265358979323846);
  Measured const bcq = measured(VaeConfig::sfujim_bcq(kActions, 1)),
                 d3rlpy = measured(VaeConfig::d3rlpy(kActions));
  VaeConfig robomimic_config = VaeConfig::robomimic_actions();
  robomimic_config.beta = 0.05F;
  Measured const robomimic = measured(robomimic_config);
  // The two numbers that all of them reduce: squared error and divergence of a row.
  double const squares = kActions * (bcq.losses.reconstruction - constant),
               divergence = k * bcq.losses.divergence;
  EXPECT_NEAR(bcq.losses.loss - constant, (squares + 0.25 * divergence) / kActions, 1e-5);
  EXPECT_EQ(d3rlpy.losses.loss, bcq.losses.loss);
  EXPECT_NEAR(robomimic.losses.reconstruction - constant, squares / kActions, 1e-5);
  EXPECT_NEAR(robomimic.losses.divergence, divergence, 1e-5 * divergence);
  EXPECT_NEAR(robomimic.losses.loss - constant, squares / kActions + 0.05 * divergence, 1e-5);

  // Each is a multiple of the negative evidence lower bound under an implied variance.
  auto const evidence = [](float variance) {
    VaeConfig c = VaeConfig::sfujim_bcq(kActions, 1);
    c.reconstruction_reduction = c.divergence_reduction = "sum";
    c.beta = 1;
    c.variance = variance;
    return measured(c);
  };
  EXPECT_LT(difference(evidence(1.F / 8).gradient, bcq.gradient, 4. * kActions), 1e-5);
  EXPECT_LT(difference(evidence(0.05F * kActions / 2).gradient, robomimic.gradient, 1 / 0.05),
            1e-5);
}

// ---- Bernoulli decoders ----

TEST(VaeBernoulli, ConstantDataCostTheEntropyOfTheirMean) {
  std::vector<float> const p{0.5F, 0.9F, 0.1F, 0.3F};
  VaeConfig c;
  c.likelihood = "bernoulli", c.output = "linear";
  c.encoder = c.decoder = {16};
  c.reconstruction_reduction = c.divergence_reduction = "sum";
  c.beta = 1;
  c.batch = 64;
  c.learning_rate = 0.01F;
  Vae vae(Cpu{}, c, 4, 0, 1);
  std::vector<float> x;
  for (int r = 0; r < 64; ++r) x.insert(x.end(), p.begin(), p.end());
  InRows<float> const rows(x.data(), 64, 4);
  for (int i = 0; i < 1500; ++i) {
    vae.set_learning_rate(0.01F * (1.F - static_cast<float>(i) / 1500.F));
    vae.update(rows);
  }
  double entropy = 0;
  for (double const q : p) entropy -= q * std::log(q) + (1 - q) * std::log(1 - q);
  Vae::Losses const got = vae.evaluate(rows);
  EXPECT_NEAR(got.loss, entropy, 1e-3);
  EXPECT_GE(got.loss, entropy - 1e-5);
  EXPECT_LT(got.divergence, 1e-3);
  std::vector<float> samples(40);
  vae.sample({samples.data(), 10, 4});
  for (std::size_t i = 0; i < samples.size(); ++i) EXPECT_NEAR(samples[i], p[i % 4], 0.02);
}

TEST(VaeBernoulli, LogitsOf80GiveFiniteLossesAndGradients) {
  VaeConfig c;
  c.likelihood = "bernoulli", c.output = "linear";
  c.encoder = c.decoder = {};
  c.batch = 4;
  Vae vae(Cpu{}, c, 4, 0, 1);
  upload<float>(Cpu{}, std::vector<float>{80, -80, 80, -80},
                vae.parameters().values("decoder.0.bias"));
  std::vector<float> const x{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1};
  vae.update({x.data(), 4, 4});
  EXPECT_NEAR(vae.losses().reconstruction, 40, 2);  // mean of 80, 0, 0, 80, and what z adds
  for (float const g : download(Cpu{}, In<float>(vae.parameters().gradient())))
    EXPECT_TRUE(std::isfinite(g));
}

// ---- two modes ----

constexpr int kData = 100000, kTraining = 200, kStatesSampled = 1000;

VaeConfig two_modes() {
  VaeConfig c;
  c.latent = 2;
  c.encoder = c.decoder = {64, 64};
  c.variance = 0.005F;
  c.reconstruction_reduction = c.divergence_reduction = "sum";
  c.beta = 1;
  c.prior_clip = 0;
  c.batch = kTraining;
  return c;
}

/// a = +-0.8 with deviation 0.05; the sign that of the state's first number, or both of every state.
struct Actions {
  std::vector<float> states = uniform_numbers(elements(kData, 2), -1, 1, 1), actions;

  explicit Actions(bool of_state) {
    auto const noise = normal_numbers(kData, 0, 0.05, 3);
    for (std::size_t i = 0; i < kData; ++i) {
      // A gap: near the border no continuous function can tell the signs apart.
      states[2 * i] += std::copysign(0.1F, states[2 * i]);
      if (!of_state && i % 2 == 1) std::copy_n(&states[2 * i - 2], 2, &states[2 * i]);
      float const both = i % 2 == 1 ? 1.F : -1.F;
      actions.push_back(std::copysign(0.8F, of_state ? states[2 * i] : both) + noise[i]);
    }
  }
  InRows<float> a(int batch) const {
    return {actions.data() + batch % (kData / kTraining) * kTraining, kTraining, 1};
  }
  InRows<float> s(int batch) const {
    return {states.data() + batch % (kData / kTraining) * 2 * kTraining, kTraining, 2};
  }
};

void train(Vae& vae, Actions const& data, int updates, float rate) {
  for (int i = 0; i < updates; ++i) {
    vae.set_learning_rate(rate * (1.F - static_cast<float>(i) / static_cast<float>(updates)));
    vae.update(data.a(i), data.s(i));
  }
}

std::vector<float> sampled(Vae& vae, Actions const& data) {
  std::vector<float> a(10 * kStatesSampled);
  vae.sample({data.states.data(), kStatesSampled, 2}, 10, {a.data(), 10 * kStatesSampled, 1});
  return a;
}

double share(std::vector<float> const& a, auto const& is) {
  return static_cast<double>(std::count_if(a.begin(), a.end(), is)) / static_cast<double>(a.size());
}

/// Largest prediction of a mean-squared-error regression on the same data with the same network.
float largest_of_regression(Actions const& data) {
  Exec const exec = Cpu{};
  Stack::Shape shape;
  shape.inputs = {2};
  shape.layers = 2, shape.units = 64, shape.outputs = 1, shape.activation = Activation::relu;
  Parameters parameters(exec, stack_parameters("net", shape));
  initialise_stack(exec, shape, 1, 0, parameters, "net");
  Stack net(exec, shape, kTraining, 1, parameters, "net");
  Adam adam(exec, parameters.size(), {});
  std::vector<float> const weight(kTraining, 1.F / kTraining);
  std::vector<float> slope(kTraining);
  float most = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<float> const rate{3e-3F * (1.F - static_cast<float>(i) / 2000.F)};
    InRows<float> const y = net.forward(exec, 0, {data.s(i)});
    likelihood_backward(Cpu{}, Likelihood::squared, y, data.a(i), weight,
                        {slope.data(), kTraining, 1});
    net.backward(exec, 0, {slope.data(), kTraining, 1});
    net.weight_gradient(exec, {data.s(i)});
    adam.step(exec, parameters.values(), parameters.gradient(), rate);
    if (i < 1900) continue;
    for (int r = 0; r < kTraining; ++r) most = std::max(most, std::abs(*y.row(r)));
  }
  return most;
}

TEST(VaeTwoModes, SamplesLieInBothWhereARegressionPredictsTheirMean) {
  Actions const data(false);
  float const regression = largest_of_regression(data);
  EXPECT_LT(regression, 0.05F);
  Vae vae(Cpu{}, two_modes(), 1, 2, 1);
  train(vae, data, 6000, 6e-3F);
  auto const a = sampled(vae, data);
  double const up = share(a, [](float v) { return std::abs(v - 0.8F) < 0.2F; }),
               down = share(a, [](float v) { return std::abs(v + 0.8F) < 0.2F; });
  EXPECT_GE(up, 0.45);
  EXPECT_GE(down, 0.45);
  RecordProperty("regression", std::to_string(regression));
  RecordProperty("up", std::to_string(up));
  RecordProperty("down", std::to_string(down));

  // The bound of more samples is tighter, on every batch.
  std::vector<float> elbo(kTraining), weighted(kTraining);
  double gap = 0;
  for (int batch = 0; batch < 10; ++batch) {
    vae.bounds(data.a(batch), data.s(batch), 64, elbo, weighted);
    double low = 0, high = 0;
    for (std::size_t i = 0; i < elbo.size(); ++i) {
      low += double{elbo[i]} / kTraining;
      high += double{weighted[i]} / kTraining;
    }
    EXPECT_GE(high, low) << batch;
    gap += (high - low) / 10;
  }
  EXPECT_GT(gap, 0);
  RecordProperty("gap", std::to_string(gap));
}

TEST(VaeTwoModes, CollapseToTheirMeanWhereTheVarianceTimesBetaIsAboveTheirs) {
  Actions const data(false);
  VaeConfig c = two_modes();
  c.variance = 0.1F, c.beta = 7;  // 0.7 > 0.64
  Vae vae(Cpu{}, c, 1, 2, 1);
  train(vae, data, 1500, 0.01F);
  double mean = 0;
  auto const a = sampled(vae, data);
  for (float const v : a) {
    EXPECT_LT(std::abs(v), 0.05F);
    mean += double{v} / static_cast<double>(a.size());
  }
  EXPECT_NEAR(mean, 0, 0.02);
  EXPECT_LT(vae.losses().divergence, 0.01);
}

TEST(VaeTwoModes, FollowTheStateWhereItTellsTheSign) {
  Actions const data(true);
  Vae vae(Cpu{}, two_modes(), 1, 2, 1);
  train(vae, data, 2500, 3e-3F);
  auto const a = sampled(vae, data);
  int wrong = 0;
  for (std::size_t r = 0; r < a.size(); ++r) wrong += (a[r] > 0) != (data.states[r / 10 * 2] > 0);
  EXPECT_LT(wrong, 0.02 * static_cast<double>(a.size()));
  RecordProperty("wrong", wrong);
}

// ---- images ----

TEST(VaeImages, LearnsWhereASquareIs) {
  int const side = 12, rows = 100, updates = 400;
  VaeConfig c;
  c.latent = 4;
  c.encoder = c.decoder = {64};
  c.likelihood = "bernoulli", c.output = "linear";
  c.reconstruction_reduction = c.divergence_reduction = "sum";
  c.beta = 1;
  c.batch = rows;
  c.learning_rate = 3e-3F;
  c.height = c.width = side, c.channels = 1;
  c.filters = {8, 16}, c.kernels = {4, 3}, c.strides = {2, 2};
  c.prior_clip = 0;
  Vae vae(Cpu{}, c, side * side, 0, 1);
  std::mt19937 engine(1);
  std::uniform_int_distribution<int> corner(0, side - 4);
  std::vector<float> x(elements(rows, side * side));
  double first = 0, last = 0;
  for (int i = 0; i < updates; ++i) {
    std::fill(x.begin(), x.end(), 0.F);
    for (int r = 0; r < rows; ++r) {
      int const top = corner(engine), left = corner(engine);
      for (int k = 0; k < 16; ++k)
        x[static_cast<std::size_t>((r * side + top + k / 4) * side + left + k % 4)] = 1;
    }
    vae.update({x.data(), rows, side * side});
    if (i == 0) first = vae.losses().loss;
    if (i >= updates - 20) last += vae.losses().loss / 20;
  }
  // ln 81 nats name the corner. Pixels by themselves cost their entropies: about 46.
  RecordProperty("first", std::to_string(first));
  RecordProperty("last", std::to_string(last));
  EXPECT_GT(first, 80);
  EXPECT_LT(last, 20);
  EXPECT_GT(last, std::log(81.));
  std::vector<float> samples(elements(10, side * side));
  vae.sample({samples.data(), 10, side * side});
  double lit = 0;
  for (float const p : samples) lit += double{p} / 10;
  EXPECT_NEAR(lit, 16, 4);
}

// ---- the README's example, word for word ----

std::vector<std::string> lines_of(std::string const& path, std::string const& from,
                                  std::string const& to) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    line.erase(0, line.find_first_not_of(' ') == std::string::npos ? line.size()
                                                                   : line.find_first_not_of(' '));
    if (line == to) inside = false;
    if (inside && !line.empty()) lines.push_back(line);
    if (line == from) inside = true;
  }
  return lines;
}

TEST(VaeReadme, ExampleRuns) {
  Exec exec = Cpu{};
  auto const actions = uploaded(exec, normal_numbers(elements(100, 7), 0, 0.3, 1)),
             observations = uploaded(exec, normal_numbers(elements(100, 19), 0, 1, 2));
  // example
  VaeConfig config = VaeConfig::sfujim_bcq(7, 1.F);  // seven actions between -1 and 1
  config.encoder = config.decoder = {64, 64};
  Vae vae(exec, config, 7, 19, 1);  // of actions given 19 numbers of an observation; seed 1
  InRows<float> const x(actions.data(), 100, 7), c(observations.data(), 100, 19);
  for (int i = 0; i < 10; ++i) vae.update(x, c);
  Buffer<float> candidates(exec, elements(100 * 10, 7));
  vae.sample(c, 10, {candidates.data(), 100 * 10, 7});  // ten for every observation
  Checkpoint checkpoint;
  vae.save(checkpoint);
  Vae again(exec, config, 7, 19, 1);
  again.load(checkpoint);
  // end of the example
  for (float const a : download(candidates)) EXPECT_LT(std::abs(a), 1.F);
  EXPECT_TRUE(std::isfinite(vae.losses().loss));
  EXPECT_EQ(download(exec, In<float>(again.parameters().values())),
            download(exec, In<float>(vae.parameters().values())));
  std::string const root = DREAMLOOM_SOURCE_DIR;
  auto const here = lines_of(root + "/tests/learn/vae/behaviour_test.cpp", "// example",
                             "// end of the example"),
             there = lines_of(root + "/learn/vae/README.md", "```cpp", "```");
  EXPECT_FALSE(here.empty());
  EXPECT_EQ(here, there);
}

}  // namespace
}  // namespace loom
