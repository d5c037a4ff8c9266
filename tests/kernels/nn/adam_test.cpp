#include <kernels/core/graph.hpp>
#include <kernels/nn/adam.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

void follow_torch(std::string const& name, WeightDecay decay) {
  Fixture const f(name);
  auto const number = [&](char const* key) { return static_cast<float>(f.scalar(key)); };
  AdamConfig const config{.beta1 = number("beta1"),
                          .beta2 = number("beta2"),
                          .epsilon = number("epsilon"),
                          .weight_decay = number("weight_decay"),
                          .decay = decay};
  auto const start = f.floats("parameters"), gradients = f.floats("gradient");
  auto const trajectory = f.vector("trajectory");
  std::size_t const n = start.size();
  for (Exec const& exec : every_machine()) {
    Adam adam(exec, n, config);
    auto parameters = uploaded(exec, start);
    auto const rate = uploaded(exec, std::vector<float>{number("learning_rate")});
    auto const all = uploaded(exec, gradients);
    for (std::size_t t = 0; t < gradients.size() / n; ++t) {
      adam.step(exec, parameters.out(), all.in().slice(t * n, n), rate);
      auto const got = download(parameters);
      for (std::size_t i = 0; i < n; ++i)
        // A parameter near 2 is rounded by 1.2e-7 twice a step.
        EXPECT_NEAR(got[i], trajectory[t * n + i], 1.2e-7 * double(t + 2))
            << "step " << t << ", parameter " << i;
    }
    auto const first = download<float>(exec, adam.first_moment());
    auto const second = download<float>(exec, adam.second_moment());
    auto const want_first = f.vector("first_moment"), want_second = f.vector("second_moment");
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(first[i], want_first[i], 1e-6 * std::abs(want_first[i]) + 1e-9);
      EXPECT_NEAR(second[i], want_second[i], 2e-6 * want_second[i]);
    }
    EXPECT_EQ(download<std::int32_t>(exec, adam.counters()), (std::vector<std::int32_t>{20, 0}));
  }
}

TEST(Adam, FollowsTorchAdam) { follow_torch("torch/adam", WeightDecay::l2); }
TEST(Adam, FollowsTorchAdamW) { follow_torch("torch/adamw", WeightDecay::decoupled); }

// After one step m / sqrt(v) is the gradient's sign whatever its size: the update is the learning
// rate.
TEST(Adam, FirstStepIsTheLearningRate) {
  for (Exec const& exec : every_machine()) {
    Adam adam(exec, 3, {.beta1 = 0, .epsilon = 0});
    auto parameters = uploaded(exec, std::vector<float>{1, 1, 1});
    auto const gradient = uploaded(exec, std::vector<float>{1e-6F, -5, 1e4F});
    auto const rate = uploaded(exec, std::vector<float>{0.25F});
    adam.step(exec, parameters.out(), gradient, rate);
    auto const got = download(parameters);
    EXPECT_NEAR(got[0], 0.75, 1e-6);
    EXPECT_NEAR(got[1], 1.25, 1e-6);
    EXPECT_NEAR(got[2], 0.75, 1e-6);
  }
}

// Reference in double: coupled weight decay, clipping and 20000 parameters at once.
TEST(Adam, ClipsAndDecaysLikeADoubleReference) {
  std::size_t const n = 20000;
  auto const start = normal_numbers(n, 0, 1, 1);
  std::vector<float> want_bits;
  for (Exec const& exec : every_machine()) {
    AdamConfig const c{.weight_decay = 0.1F, .decay = WeightDecay::l2, .max_norm = 0.5F};
    Adam adam(exec, n, c);
    auto parameters = uploaded(exec, start);
    auto const rate = uploaded(exec, std::vector<float>{0.01F});
    std::vector<double> p(start.begin(), start.end()), m(n), v(n);
    for (int t = 1; t <= 3; ++t) {
      auto const g = normal_numbers(n, 0, 1, static_cast<unsigned>(10 + t));
      auto const gradient = uploaded(exec, g);
      adam.step(exec, parameters.out(), gradient, rate);
      double sum = 0;
      for (double x : g) sum += x * x;
      double const norm = std::sqrt(sum), factor = std::min(1., 0.5 / (norm + 1e-6));
      EXPECT_NEAR(download(exec, adam.norm())[0], norm, 1e-5 * norm);
      for (std::size_t i = 0; i < n; ++i) {
        double const d = g[i] * factor + double(c.weight_decay) * p[i];
        m[i] = double(c.beta1) * m[i] + (1 - double(c.beta1)) * d;
        v[i] = double(c.beta2) * v[i] + (1 - double(c.beta2)) * d * d;
        double const first = m[i] / (1 - std::pow(double(c.beta1), t));
        double const second = v[i] / (1 - std::pow(double(c.beta2), t));
        p[i] -= double(0.01F) * first / (std::sqrt(second) + double(c.epsilon));
      }
    }
    auto const got = download(parameters);
    for (std::size_t i = 0; i < n; ++i) ASSERT_NEAR(got[i], p[i], 2e-6) << "parameter " << i;
    if (want_bits.empty()) want_bits = got;
    EXPECT_EQ(got, want_bits) << "every machine has the same bits";
  }
}

// One slab, and so many that the last fold has work for all of its lanes.
TEST(Adam, NormOfFewAndOfManyGradients) {
  for (Exec const& exec : every_exec())
    for (std::size_t const n : {1000, 450001}) {
      Adam adam(exec, n, {.max_norm = 1});
      auto parameters = zeros<float>(exec, n);
      auto const g = normal_numbers(n, 0, 1, 3);
      auto const gradient = uploaded(exec, g), rate = uploaded(exec, std::vector<float>{0.1F});
      adam.step(exec, parameters.out(), gradient, rate);
      double sum = 0;
      for (double x : g) sum += x * x;
      EXPECT_NEAR(download(exec, adam.norm())[0], std::sqrt(sum), 1e-5 * std::sqrt(sum));
    }
}

TEST(Adam, SkipsAndCountsAGradientThatIsNotFinite) {
  for (Exec const& exec : every_machine()) {
    Adam adam(exec, 2, {.max_norm = 1});
    auto parameters = uploaded(exec, std::vector<float>{1, 2});
    auto const rate = uploaded(exec, std::vector<float>{0.1F});
    auto const good = uploaded(exec, std::vector<float>{0.3F, 0.1F});
    auto const bad = uploaded(exec, std::vector<float>{0.3F, std::nanf("")});
    adam.step(exec, parameters.out(), good, rate);
    auto const before = download(parameters);
    auto const moment = download<float>(exec, adam.first_moment());
    adam.step(exec, parameters.out(), bad, rate);
    EXPECT_FALSE(std::isfinite(download(exec, adam.norm())[0]));
    EXPECT_EQ(download(parameters), before);
    EXPECT_EQ(download<float>(exec, adam.first_moment()), moment);
    EXPECT_EQ(download<std::int32_t>(exec, adam.counters()), (std::vector<std::int32_t>{1, 1}));
    adam.step(exec, parameters.out(), good, rate);
    EXPECT_TRUE(std::isfinite(download(exec, adam.norm())[0]));
    EXPECT_NE(download(parameters), before);
  }
}

TEST(Adam, ReplaysAsAGraphWithTheLearningRateOfTheMoment) {
  for (Exec const& exec : every_machine()) {
    std::vector<float> const start{1, 2, 3};
    auto once = uploaded(exec, start), replayed = uploaded(exec, start);
    auto const gradient = uploaded(exec, std::vector<float>{0.3F, -0.1F, 5.F});
    auto rate = uploaded(exec, std::vector<float>{0});
    Adam direct(exec, 3, {.max_norm = 1}), recorded(exec, 3, {.max_norm = 1});
    Graph graph(exec, [&](Exec const& e) { recorded.step(e, replayed.out(), gradient, rate); });
    for (float const r : {0.1F, 0.05F, 0.025F, 0.F}) {
      upload<float>(exec, std::vector<float>{r}, rate.out());
      direct.step(exec, once.out(), gradient, rate);
      graph.launch();
      EXPECT_EQ(download(replayed), download(once));
    }
  }
}

TEST(Adam, SaysWhatDoesNotFit) {
  EXPECT_THROW(Adam(Cpu{}, 3, {.beta1 = 1}), ConfigError);
  Adam adam(Cpu{}, 3, {});
  std::vector<float> parameters(3), gradient(2), rate(1);
  EXPECT_THROW(adam.step(Cpu{}, parameters, gradient, rate), ShapeError);
}

}  // namespace
}  // namespace loom
