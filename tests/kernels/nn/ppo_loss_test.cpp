#include <kernels/core/graph.hpp>
#include <kernels/nn/ppo_loss.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// A minibatch on the host; Gaussian where log_std is given.
struct Minibatch {
  int actions = 0;
  std::vector<float> output, log_std, continuous;
  std::vector<std::int32_t> discrete;
  std::vector<float> value, old_log_prob, old_value, advantage, returns;

  int rows() const { return static_cast<int>(value.size()); }
};

struct Result {
  std::vector<float> d_output, d_log_std, d_value, metrics, sums;
  double metric(PpoMetric m) const { return metrics[static_cast<std::size_t>(m)]; }
};

Result run(Exec const& exec, PpoConfig const& config, float entropy_coefficient,
           Minibatch const& m) {
  int const rows = m.rows();
  auto const output = uploaded(exec, m.output), log_std = uploaded(exec, m.log_std);
  auto const continuous = uploaded(exec, m.continuous);
  auto const discrete = uploaded(exec, m.discrete);
  auto const value = uploaded(exec, m.value), old_value = uploaded(exec, m.old_value);
  auto const old_log_prob = uploaded(exec, m.old_log_prob);
  auto const advantage = uploaded(exec, m.advantage), returns = uploaded(exec, m.returns);
  auto const coefficient = uploaded(exec, std::vector<float>{entropy_coefficient});
  Buffer<float> d_output(exec, m.output.size()), d_log_std(exec, m.log_std.size());
  Buffer<float> d_value(exec, m.value.size()), latest(exec, kPpoMetrics);
  auto sums = uploaded(exec, std::vector<float>(kPpoMetrics, 1.F));
  Buffer<std::uint8_t> workspace(exec, ppo_workspace(rows, m.actions));
  PpoBatch const batch{value, old_log_prob, old_value, advantage, returns};
  PpoMetrics const metrics{latest.out(), sums.out()};
  visit(exec, [&](auto e) {
    if (m.log_std.empty())
      ppo_loss_discrete(e, config, coefficient, {output.data(), rows, m.actions}, discrete, batch,
                        {d_output.data(), rows, m.actions}, d_value.out(), metrics,
                        workspace.out());
    else
      ppo_loss_gaussian(e, config, coefficient, {output.data(), rows, m.actions}, log_std,
                        {continuous.data(), rows, m.actions}, batch,
                        {d_output.data(), rows, m.actions}, d_log_std.out(), d_value.out(), metrics,
                        workspace.out());
  });
  return {download(d_output), download(d_log_std), download(d_value), download(latest),
          download(sums)};
}

/// Random rows whose ratios lie on both sides of the clip.
Minibatch random_minibatch(int rows, int actions, bool gaussian) {
  Minibatch m;
  auto const n = static_cast<std::size_t>(rows);
  m.actions = actions;
  m.output = normal_numbers(n * static_cast<std::size_t>(actions), 0, 1, 1);
  if (gaussian) {
    m.log_std = normal_numbers(static_cast<std::size_t>(actions), -0.3, 0.2, 2);
    m.continuous = normal_numbers(m.output.size(), 0, 1, 3);
  } else {
    for (int r = 0; r < rows; ++r) m.discrete.push_back(r * 7 % actions);
  }
  m.value = normal_numbers(n, 0, 1, 4);
  m.old_value = normal_numbers(n, 0, 1, 5);
  m.advantage = normal_numbers(n, 2, 3, 6);
  m.returns = normal_numbers(n, 0.5, 1, 7);
  m.old_log_prob = normal_numbers(n, gaussian ? -1. * actions : -std::log(actions), 0.5, 8);
  return m;
}

void expect_near(std::vector<float> const& got, std::vector<double> const& want, double tolerance,
                 char const* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance) << what << " " << i;
}

void agrees_with_torch(bool gaussian) {
  Fixture const f(gaussian ? "torch/ppo_gaussian" : "torch/ppo_discrete");
  Minibatch m;
  std::string const output = gaussian ? "mean" : "logits";
  m.output = f.floats(output);
  m.actions = static_cast<int>(f.shape(output)[1]);
  if (gaussian) {
    m.log_std = f.floats("log_std");
    m.continuous = f.floats("action");
  } else {
    m.discrete = f.ints("action");
  }
  m.value = f.floats("value");
  m.old_value = f.floats("old_value");
  m.old_log_prob = f.floats("old_log_prob");
  m.advantage = f.floats("advantage");
  m.returns = f.floats("returns");
  auto const number = [&](char const* key) { return static_cast<float>(f.scalar(key)); };
  for (Exec const& exec : every_machine())
    for (bool const clip_value : {false, true}) {
      PpoConfig const config{.clip = number("clip"),
                             .clip_value = clip_value,
                             .value_coefficient = number("value_coefficient"),
                             .normalise_advantage = false};
      auto const got = run(exec, config, number("entropy_coefficient"), m);
      // Gradients are of the size 1/64: 1e-7 is five digits.
      expect_near(got.d_output, f.vector("total_d_" + output), 1e-7, "d_output");
      expect_near(got.d_value, f.vector(clip_value ? "total_clipped_d_value" : "total_d_value"),
                  1e-8, "d_value");
      if (gaussian) expect_near(got.d_log_std, f.vector("total_d_log_std"), 1e-6, "d_log_std");
      auto const close = [&](PpoMetric metric, std::string const& name) {
        EXPECT_NEAR(got.metric(metric), f.scalar(name), 1e-6) << name;
      };
      close(PpoMetric::policy_loss, "policy_loss");
      close(PpoMetric::value_loss, clip_value ? "value_loss_clipped" : "value_loss");
      close(PpoMetric::entropy, "entropy_mean");
      close(PpoMetric::kl_k1, "kl_k1");
      close(PpoMetric::kl_k3, "kl_k3");
      close(PpoMetric::clip_fraction, "clip_fraction");
      EXPECT_NEAR(
          1 - got.metric(PpoMetric::residual_variance) / got.metric(PpoMetric::return_variance),
          f.scalar("explained_variance"), 1e-6);
    }
  // Normalising on the device is the same as being given normalised advantages.
  PpoConfig config{};
  for (Exec const& exec : every_machine()) {
    config.normalise_advantage = true;
    auto const got = run(exec, config, 0.01F, m);
    Minibatch given = m;
    given.advantage = f.floats("advantage_normalized");
    config.normalise_advantage = false;
    auto const want = run(exec, config, 0.01F, given);
    expect_near(got.d_output, {want.d_output.begin(), want.d_output.end()}, 2e-8, "normalised");
    EXPECT_NEAR(got.metric(PpoMetric::policy_loss), want.metric(PpoMetric::policy_loss), 1e-6);
  }
}

TEST(PpoLoss, DiscreteAgreesWithTorch) { agrees_with_torch(false); }
TEST(PpoLoss, GaussianAgreesWithTorch) { agrees_with_torch(true); }

// The body in double: every term's gradient is its central difference.
TEST(PpoLoss, GradientsAreCentralDifferencesOfTheLoss) {
  PpoConfig const c{.clip = 0.2F, .value_coefficient = 0.7F};
  double const scale = 1. / 8, coefficient = 0.03;
  std::vector<double> const start{0.3, -1.2, 0.8, 0.1};
  for (double const advantage : {1.3, -0.9})
    for (double const old_log_prob : {-1.3, -0.9, -2.2})  // within, below and above the clip
      for (double const value : {0.1, 0.5, 1.6}) {
        auto const loss = [&](std::vector<double> const& l, double v, std::vector<double>* gradient,
                              double* d_value) {
          auto const logit = [&](int k) { return l[static_cast<std::size_t>(k)]; };
          auto const s = categorical_sums<double>(4, logit);
          auto t = ppo_terms<double>(c, categorical_log_prob<double>(s, 4, logit, 2), old_log_prob,
                                     advantage, v, 0.6, 1.1);
          std::vector<double> d(4);
          ppo_categorical_gradient<double>(
              s, 4, logit, 2, scale, coefficient, t,
              [&](int k, double g) { d[static_cast<std::size_t>(k)] = g; });
          if (gradient != nullptr) {
            *gradient = d;
            *d_value = scale * double(c.value_coefficient) * t.d_value;
          }
          return scale * (t.policy_loss - coefficient * t.entropy +
                          double(c.value_coefficient) * t.value_loss);
        };
        std::vector<double> gradient;
        double d_value = 0;
        loss(start, value, &gradient, &d_value);
        for (std::size_t k = 0; k < 4; ++k) {
          auto const along = [&](double x) {
            auto l = start;
            l[k] = x;
            return loss(l, value, nullptr, nullptr);
          };
          EXPECT_NEAR(gradient[k], central_difference(along, start[k]), 1e-9) << "logit " << k;
        }
        EXPECT_NEAR(
            d_value,
            central_difference([&](double v) { return loss(start, v, nullptr, nullptr); }, value),
            1e-9);
      }
}

TEST(PpoLoss, GaussianGradientsAreCentralDifferencesOfTheLoss) {
  PpoConfig const c{.clip = 0.2F};
  std::vector<double> const action{0.4, -0.7};
  std::vector<double> const start{0.1, -0.2, -0.3, 0.2};  // means, then log_stds
  for (double const advantage : {1.3, -0.9})
    for (double const shift : {0., 0.5, -0.5}) {
      auto const part = [](std::vector<double> const& x, std::size_t from) {
        return [&x, from](int k) { return x[from + static_cast<std::size_t>(k)]; };
      };
      double const old_log_prob =
          gaussian_log_prob<double>(2, part(action, 0), part(start, 0), part(start, 2)) + shift;
      auto const loss = [&](std::vector<double> const& x, std::vector<double>* gradient) {
        double const log_prob =
            gaussian_log_prob<double>(2, part(action, 0), part(x, 0), part(x, 2));
        auto t = ppo_terms<double>(c, log_prob, old_log_prob, advantage, 0, 0, 0);
        std::vector<double> d(4);
        ppo_gaussian_gradient<double>(2, part(action, 0), part(x, 0), part(x, 2), 1., t,
                                      [&](int k, double g) { d[static_cast<std::size_t>(k)] = g; });
        for (std::size_t k = 0; k < 2; ++k)
          d[2 + k] = t.d_log_prob * gaussian_log_prob_d_log_std(action[k], x[k], x[2 + k]);
        if (gradient != nullptr) *gradient = d;
        return t.policy_loss;
      };
      std::vector<double> gradient;
      loss(start, &gradient);
      for (std::size_t k = 0; k < 4; ++k) {
        auto const along = [&](double v) {
          auto x = start;
          x[k] = v;
          return loss(x, nullptr);
        };
        EXPECT_NEAR(gradient[k], central_difference(along, start[k]), 1e-9) << "parameter " << k;
      }
    }
}

// While the policy is the one that sampled: ratio 1, nothing clipped, the vanilla policy gradient.
TEST(PpoLoss, FirstMinibatchIsTheVanillaPolicyGradient) {
  auto m = random_minibatch(150, 5, false);
  std::vector<double> want(m.output.size());
  for (std::size_t r = 0; r < 150; ++r) {
    double sum = 0;
    std::vector<double> p(5);
    for (std::size_t k = 0; k < 5; ++k) sum += p[k] = std::exp(double(m.output[r * 5 + k]));
    auto const a = static_cast<std::size_t>(m.discrete[r]);
    m.old_log_prob[r] = static_cast<float>(std::log(p[a] / sum));
    for (std::size_t k = 0; k < 5; ++k)
      want[r * 5 + k] = -m.advantage[r] * ((k == a ? 1 : 0) - p[k] / sum) / 150;
  }
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, {.normalise_advantage = false}, 0.F, m);
    expect_near(got.d_output, want, 1e-7, "d_logits");
    EXPECT_EQ(got.metric(PpoMetric::clip_fraction), 0);
    EXPECT_NEAR(got.metric(PpoMetric::kl_k1), 0, 1e-7);
    EXPECT_NEAR(got.metric(PpoMetric::kl_k3), 0, 1e-12);
  }
}

TEST(PpoLoss, GradientIsExactlyZeroWhereTheClipBinds) {
  Minibatch m;
  m.actions = 2;
  // log p = log 0.5; ratios 2, 2, 0.5, 0.5; advantages of either sign.
  m.output.assign(8, 0.F);
  m.discrete.assign(4, 0);
  float const half = std::log(0.5F);
  m.old_log_prob = {half - std::log(2.F), half - std::log(2.F), half + std::log(2.F),
                    half + std::log(2.F)};
  m.advantage = {1, -1, 1, -1};
  m.value = {2, 2, 2, 2};
  m.old_value = {0, 0, 4, 4};
  m.returns = {5, 0, 5, 0};  // the value has moved towards, past, away from, towards the return
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, {.normalise_advantage = false}, 0.F, m);
    EXPECT_EQ(got.d_output[0], 0);  // improved past the clip
    EXPECT_NE(got.d_output[2], 0);  // worse than before: pulled back
    EXPECT_NE(got.d_output[4], 0);
    EXPECT_EQ(got.d_output[6], 0);
    EXPECT_EQ(got.metric(PpoMetric::clip_fraction), 1);
    EXPECT_EQ(got.d_value[0], 0);
    EXPECT_NE(got.d_value[1], 0);
    EXPECT_NE(got.d_value[2], 0);
    EXPECT_EQ(got.d_value[3], 0);
  }
}

// 1 row, a part of a block, several slabs, and so many rows that slabs grow.
TEST(PpoLoss, EveryMachineFindsTheSameBits) {
  for (bool const gaussian : {false, true})
    for (int const rows : {1, 64, 131, 1000, 33000}) {
      auto const m = random_minibatch(rows, 3, gaussian);
      auto const want = run(Cpu{nullptr, 1}, {}, 0.01F, m);
      for (float x : want.metrics) EXPECT_TRUE(std::isfinite(x));
      EXPECT_EQ(want.sums[0], 1 + want.metrics[0]) << "sums are added to";
      EXPECT_EQ(want.sums[kPpoMetrics - 1], 2) << "minibatches are counted";
      ThreadPool pool(2);
      auto all = every_machine();
      all.emplace_back(Cpu{&pool});
      for (Exec const& exec : all) {
        auto const got = run(exec, {}, 0.01F, m);
        EXPECT_EQ(got.d_output, want.d_output) << rows << " rows";
        EXPECT_EQ(got.d_value, want.d_value) << rows << " rows";
        EXPECT_EQ(got.d_log_std, want.d_log_std) << rows << " rows";
        EXPECT_EQ(got.metrics, want.metrics) << rows << " rows";
      }
    }
}

TEST(PpoLoss, SaysWhatDoesNotFit) {
  auto m = random_minibatch(4, 2, false);
  EXPECT_NO_THROW(run(Cpu{}, {}, 0.F, m));
  m.returns.pop_back();
  EXPECT_THROW(run(Cpu{}, {}, 0.F, m), ShapeError);
}

}  // namespace
}  // namespace loom
