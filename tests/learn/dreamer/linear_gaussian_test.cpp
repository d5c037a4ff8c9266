// Gradients of a policy where they are known: x' = A x + B a + noise, rewards quadratic, a ~ N(K x, deviation^2).
//
// Expected returns are then polynomials of K, by the recursion of second moments, and the best K solves Riccati's
// equation. Imagination, draws, lambda returns, their gradients and the score function's loss are the kernels and
// layers that Dreamer's behaviours consist of; linear maps stand for its networks.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <kernels/dream/actor.hpp>
#include <kernels/dream/horizon.hpp>
#include <kernels/dream/lambda_return.hpp>
#include <kernels/nn/gaussian_latent.hpp>
#include <learn/core/layer.hpp>
#include <numeric>
#include <tests/device.hpp>

namespace loom {
namespace {

using Matrix = Eigen::Matrix2d;

constexpr int kHorizon = 5;
constexpr double kGamma = 0.9, kLambda = 0.95, kStateNoise = 0.05, kActionNoise = 0.1;
/// How much the return of each imagined state counts.
using Weights = std::array<double, kHorizon>;
constexpr Weights kFirst{1, 0, 0, 0, 0}, kAll{1, 1, 1, 1, 1};

Matrix matrix(double a, double b, double c, double d) {
  return (Matrix() << a, b, c, d).finished();
}
Matrix const kA = matrix(0.9, 0.3, -0.2, 0.8), kB = matrix(0.6, 0, 0.1, 0.4);
Matrix const kQ = matrix(1, 0.2, 0.2, 0.5), kR = matrix(0.3, 0, 0, 0.2);
Matrix const kSomePolicy = matrix(-0.2, 0.1, 0.3, -0.1);

/// Values are -x' P x.
struct Optimum {
  Matrix gain, value = kQ;
  Optimum() {
    for (int k = 0; k < 1000; ++k) {
      gain = -kGamma * (kR + kGamma * kB.transpose() * value * kB).inverse() * kB.transpose() *
             value * kA;
      Matrix const loop = kA + kB * gain;
      value = kQ + gain.transpose() * kR * gain + kGamma * loop.transpose() * value * loop;
    }
  }
};

/// E[sum of weight_t R_t] for starts of second moment `start`, values -x' P x.
double expected_return(Matrix const& k, Matrix const& p, Matrix const& start, Weights const& w) {
  std::array<double, kHorizon> reward{};
  std::array<double, kHorizon + 1> value{};
  Matrix s = start;
  for (std::size_t t = 0; t <= kHorizon; ++t) {
    value[t] = -(p * s).trace();
    if (t == kHorizon) break;
    reward[t] =
        -((kQ + k.transpose() * kR * k) * s).trace() - kActionNoise * kActionNoise * kR.trace();
    Matrix const loop = kA + kB * k;
    s = loop * s * loop.transpose() + kActionNoise * kActionNoise * kB * kB.transpose() +
        kStateNoise * kStateNoise * Matrix::Identity();
  }
  double sum = 0, next = value[kHorizon];
  for (std::size_t t = kHorizon; t-- > 0;) {
    next = reward[t] + kGamma * ((1 - kLambda) * value[t + 1] + kLambda * next);
    sum += w[t] * next;
  }
  return sum;
}

/// Central differences of f, entry by entry.
template <class F>
Matrix differences(Matrix const& at, double h, F const& f) {
  Matrix d;
  for (int i = 0; i < 4; ++i) {
    Matrix up = at, down = at;
    up.data()[i] += h, down.data()[i] -= h;
    d.data()[i] = (f(up) - f(down)) / (2 * h);
  }
  return d;
}

Matrix expected_gradient(Matrix const& k, Matrix const& p, Matrix const& start, Weights const& w) {
  return differences(k, 1e-4, [&](Matrix const& x) { return expected_return(x, p, start, w); });
}

double cosine(Matrix const& a, Matrix const& b) {
  return a.cwiseProduct(b).sum() / (a.norm() * b.norm());
}

std::vector<float> row_major(Matrix const& m) {
  std::vector<float> x;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) x.push_back(static_cast<float>(m(i, j)));
  return x;
}

/// kHorizon imagined steps of n trajectories, and the gradients of their returns.
class Imagination {
 public:
  /// Whether a policy's input passes gradients on: version 1 cuts them off.
  enum class Input { passes, cut };

  Imagination(Exec const& exec, int n, Matrix const& value)
      : exec_(exec),
        n_(n),
        value_matrix_(value),
        parameters_(exec, shapes()),
        policy_(exec, policy_shape(), n, kHorizon, parameters_, "policy"),
        dynamics_(exec, dynamics_shape(), n, kHorizon, parameters_, "dynamics"),
        tick_(zeros<std::uint32_t>(exec, 1)) {
    std::vector<float> dynamics;
    for (int i = 0; i < 2; ++i)
      for (Matrix const& m : {kA, kB})
        for (int j = 0; j < 2; ++j) dynamics.push_back(static_cast<float>(m(i, j)));
    upload<float>(exec, dynamics, parameters_.values("dynamics.weight"));
    std::vector<std::uint32_t> streams(static_cast<std::size_t>(2 * kHorizon * n));
    std::iota(streams.begin(), streams.end(), 0U);
    streams_ = uploaded(exec, streams);
    // Starts fill the square of half size 0.5.
    std::vector<float> start;
    for (int i = 0; i < n; ++i)
      for (double const step : {0.754877666, 0.569840291})
        start.push_back(static_cast<float>(std::fmod(0.5 + step * (i + 1), 1) - 0.5));
    for (std::size_t i = 0; i < start.size(); i += 2)
      for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 2; ++b)
          moment_(a, b) += double{start[i + static_cast<std::size_t>(a)]} *
                           double{start[i + static_cast<std::size_t>(b)]} / n;
    state_ = Buffer<float>(exec, elements((kHorizon + 1) * n, 2));
    upload<float>(exec, start, state_.out().slice(0, start.size()));
    action_ = Buffer<float>(exec, elements(kHorizon * n, 2));
    mean_ = Buffer<float>(exec, elements(kHorizon * n, 2));
    next_mean_ = Buffer<float>(exec, elements(n, 2));
    auto const same = [&](double deviation) {
      return uploaded(exec,
                      std::vector<float>(elements(n, 2), static_cast<float>(std::log(deviation))));
    };
    log_action_noise_ = same(kActionNoise), log_state_noise_ = same(kStateNoise);
    for (Buffer<float>* b : {&discount_, &returns_, &dreturns_, &dreward_, &no_weight_})
      *b = zeros<float>(exec, elements(kHorizon, n));
    dvalue_ = zeros<float>(exec, elements(kHorizon + 1, n));
    visit(exec, [&](auto e) {
      horizon(e, kHorizon, RewardTiming::departure, static_cast<float>(kGamma), {}, {},
              discount_.out(), no_weight_.out());
    });
  }

  Matrix const& start_moment() const { return moment_; }

  /// Mean over trajectories of the weighed returns, with the random numbers of `tick`.
  double imagine(Matrix const& k, std::uint32_t tick, Weights const& w) {
    upload<float>(exec_, row_major(k), parameters_.values("policy.weight"));
    upload<std::uint32_t>(exec_, std::vector<std::uint32_t>{tick}, tick_.out());
    for (int t = 0; t < kHorizon; ++t) {
      policy_.forward(exec_, t, {at(state_, t)}, at(mean_, t));
      draw(at(mean_, t), log_action_noise_, t, at(action_, t));
      dynamics_.forward(exec_, t, {at(state_, t), at(action_, t)}, at(next_mean_, 0));
      draw(at(next_mean_, 0), log_state_noise_, kHorizon + t, at(state_, t + 1));
    }
    x_ = download(state_), a_ = download(action_);
    reward_ =
        uploaded(exec_, quadratic(a_, kR, quadratic(x_, kQ, {}, kHorizon * n_), kHorizon * n_));
    value_ = uploaded(exec_, quadratic(x_, value_matrix_, {}, (kHorizon + 1) * n_));
    visit(exec_, [&](auto e) { lambda_return(e, kHorizon, kLambda, input(), returns_.out()); });
    std::vector<float> const returns = download(returns_);
    double sum = 0;
    for (std::size_t i = 0; i < returns.size(); ++i)
      sum += w[i / static_cast<std::size_t>(n_)] * double{returns[i]};
    return sum / n_;
  }

  /// Of imagine(), through the draws, rewards, values and dynamics.
  Matrix pathwise(Weights const& w, Input policy_input) {
    std::vector<float> weights;
    for (double const weight : w)
      weights.insert(weights.end(), static_cast<std::size_t>(n_), static_cast<float>(weight / n_));
    upload<float>(exec_, weights, dreturns_.out());
    visit(exec_, [&](auto e) {
      lambda_return_backward(e, kHorizon, kLambda, input(), returns_.in(), dreturns_.in(),
                             {dreward_.out(), {}, dvalue_.out()});
    });
    std::vector<float> const dr = download(dreward_), dv = download(dvalue_);
    std::vector<float> dx(x_.size(), 0), da(a_.size(), 0);
    slope(x_, kQ, dr, dx), slope(x_, value_matrix_, dv, dx), slope(a_, kR, dr, da);
    auto dstate = uploaded(exec_, dx), daction = uploaded(exec_, da);
    for (int t = kHorizon - 1; t >= 0; --t) {
      // A draw's gradient is its mean's.
      dynamics_.backward(exec_, t, at(next_mean_, 0), at(dstate, t + 1),
                         {{at(dstate, t), Result::add}, {at(daction, t), Result::add}});
      Layer::Gradients input{{at(dstate, t), Result::add}};
      if (policy_input == Input::cut) input.clear();
      policy_.backward(exec_, t, at(mean_, t), at(daction, t), input);
    }
    return policy_gradient();
  }

  /// Of the first state's return, by the score function: it holds R_t with weight (gamma lambda)^t, and nothing else
  /// that the action at t has made.
  Matrix score() {
    std::vector<float> const mean = download(mean_);
    std::vector<float> raw;
    for (std::size_t i = 0; i < mean.size(); i += 2) {
      EXPECT_LT(std::max(std::abs(mean[i]), std::abs(mean[i + 1])), 0.95F);
      // The policy's mean is tanh of its first numbers, its deviation here the same for all.
      raw.insert(raw.end(), {std::atanh(mean[i]), std::atanh(mean[i + 1]), 0, 0});
    }
    std::vector<float> weights;
    for (int t = 0; t < kHorizon; ++t)
      weights.insert(weights.end(), static_cast<std::size_t>(n_),
                     static_cast<float>(std::pow(kGamma * kLambda, t)));
    int const rows = kHorizon * n_;
    auto const raws = uploaded(exec_, raw), weight = uploaded(exec_, weights);
    Buffer<float> draws(exec_, elements(rows, 4)), loss(exec_, elements(rows, 1)),
        entropy(exec_, elements(rows, 1));
    ActorConfig config;
    config.entropy = 0;
    config.deviation = {kActionNoise, kActionNoise};
    visit(exec_, [&](auto e) {
      actor_normal_loss(e, config, {raws.data(), rows, 4}, {action_.data(), rows, 2},
                        {returns_.in(), value_.in().slice(0, returns_.size()), weight.in(), {}},
                        {draws.data(), rows, 4}, {loss.out(), entropy.out()});
    });
    std::vector<float> const draw = download(draws);
    std::vector<float> dmean;
    for (std::size_t i = 0; i < mean.size(); ++i)
      // Of a mean over all rows, and of a loss: the return's gradient is -kHorizon times that.
      dmean.push_back(-kHorizon * draw[i / 2 * 4 + i % 2] / (1 - mean[i] * mean[i]));
    auto daction = uploaded(exec_, dmean);
    for (int t = 0; t < kHorizon; ++t) policy_.backward(exec_, t, at(mean_, t), at(daction, t));
    return policy_gradient();
  }

 private:
  static LayerShape policy_shape() { return {.inputs = {2}, .outputs = 2}; }
  static LayerShape dynamics_shape() { return {.inputs = {2, 2}, .outputs = 2}; }
  static std::vector<ParameterShape> shapes() {
    auto all = layer_parameters("policy", policy_shape());
    for (auto const& s : layer_parameters("dynamics", dynamics_shape())) all.push_back(s);
    return all;
  }

  OutRows<float> at(Buffer<float>& b, int t) const {
    return {b.data() + elements(t * n_, 2), n_, 2};
  }
  LambdaReturnInput input() const { return {reward_.in(), discount_.in(), value_.in()}; }
  void draw(InRows<float> mean, Buffer<float> const& log_noise, int part, OutRows<float> to) {
    auto const n = static_cast<std::size_t>(n_);
    RowDraws const draws{7, streams_.in().slice(static_cast<std::size_t>(part) * n, n), tick_.in()};
    visit(exec_, [&](auto e) {
      gaussian_latent_sample(e, {mean, {log_noise.data(), n_, 2}}, draws, to);
    });
  }
  /// sum - x' M x of the first `rows` rows.
  static std::vector<float> quadratic(std::vector<float> const& x, Matrix const& m,
                                      std::vector<float> sum, int rows) {
    sum.resize(static_cast<std::size_t>(rows), 0);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      Eigen::Vector2d const v(double{x[2 * i]}, double{x[2 * i + 1]});
      sum[i] -= static_cast<float>(v.dot(m * v));
    }
    return sum;
  }
  /// dx += the gradient of sum(d (-x' M x)).
  static void slope(std::vector<float> const& x, Matrix const& m, std::vector<float> const& d,
                    std::vector<float>& dx) {
    for (std::size_t i = 0; i < d.size(); ++i) {
      Eigen::Vector2d const s =
          -2 * double{d[i]} * (m * Eigen::Vector2d(double{x[2 * i]}, double{x[2 * i + 1]}));
      dx[2 * i] += static_cast<float>(s[0]), dx[2 * i + 1] += static_cast<float>(s[1]);
    }
  }
  Matrix policy_gradient() {
    policy_.weight_gradient(exec_, {{state_.data(), kHorizon * n_, 2}});
    std::vector<float> const g = download(exec_, In<float>(parameters_.gradient("policy.weight")));
    return matrix(double{g[0]}, double{g[1]}, double{g[2]}, double{g[3]});
  }

  Exec exec_;
  int n_;
  Matrix value_matrix_, moment_ = Matrix::Zero();
  Parameters parameters_;
  Layer policy_, dynamics_;
  Buffer<std::uint32_t> streams_, tick_;
  Buffer<float> state_, action_, mean_, next_mean_, log_action_noise_, log_state_noise_;
  Buffer<float> reward_, value_, discount_, no_weight_, returns_, dreturns_, dreward_, dvalue_;
  std::vector<float> x_, a_;
};

using Input = Imagination::Input;

TEST(LinearGaussian, TheClosedFormIsStationaryAtRiccatisGain) {
  Optimum const best;
  Matrix const start = matrix(0.1, 0.02, 0.02, 0.2);
  double const scale = expected_gradient(kSomePolicy, best.value, start, kFirst).norm();
  EXPECT_GT(scale, 0.05);
  EXPECT_LT(expected_gradient(best.gain, best.value, start, kFirst).norm(), 1e-6 * scale);
}

TEST(LinearGaussian, GradientThroughTheModelIsThatOfFiniteDifferences) {
  Optimum const best;
  for (Exec const& exec : every_exec()) {
    Imagination dream(exec, on_cpu(exec) ? 4096 : 256, best.value);
    for (Weights const& w : {kFirst, kAll}) {
      // The same random numbers on either side: polynomials of K, so the step may be large.
      Matrix const numbers =
          differences(kSomePolicy, 0.01, [&](Matrix const& k) { return dream.imagine(k, 1, w); });
      dream.imagine(kSomePolicy, 1, w);
      Matrix const gradient = dream.pathwise(w, Input::passes);
      EXPECT_LT((gradient - numbers).norm(), 1e-3 * numbers.norm()) << gradient << "\n" << numbers;
    }
  }
}

/// Means of many batches' gradients.
struct Means {
  Matrix pathwise = Matrix::Zero(), score = Matrix::Zero(), cut = Matrix::Zero();
  Matrix start;
};

Means means(Matrix const& policy, int batches) {
  Imagination dream(Exec{Cpu{}}, 65536, Optimum().value);
  Means m;
  for (int k = 0; k < batches; ++k) {
    dream.imagine(policy, static_cast<std::uint32_t>(k), kFirst);
    m.pathwise += dream.pathwise(kFirst, Input::passes) / batches;
    m.cut += dream.pathwise(kFirst, Input::cut) / batches;
    m.score += dream.score() / batches;
  }
  m.start = dream.start_moment();
  return m;
}

TEST(LinearGaussian, BothEstimatesConvergeToTheClosedForm) {
  Optimum const best;
  Means const m = means(kSomePolicy, 16);
  Matrix const exact = expected_gradient(kSomePolicy, best.value, m.start, kFirst);
  // A million trajectories: what is left is the noise of their mean.
  EXPECT_LT((m.pathwise - exact).norm(), 1e-3 * exact.norm());
  EXPECT_LT((m.score - exact).norm(), 0.03 * exact.norm());
  EXPECT_GT(cosine(m.score, exact), 0.99);
  EXPECT_GT(cosine(m.score, m.pathwise), 0.99);
  std::cout << "gradient " << exact.norm() << ": through the model "
            << (m.pathwise - exact).norm() / exact.norm() << " off, by its score "
            << (m.score - exact).norm() / exact.norm() << " (cosine " << cosine(m.score, exact)
            << "), with the policy's input cut " << (m.cut - exact).norm() / exact.norm()
            << " (cosine " << cosine(m.cut, exact) << ")\n";
}

TEST(LinearGaussian, NothingPullsAtRiccatisGain) {
  Optimum const best;
  Means const m = means(best.gain, 4);
  double const scale = expected_gradient(kSomePolicy, best.value, m.start, kFirst).norm();
  EXPECT_LT(m.pathwise.norm(), 1e-3 * scale);
  EXPECT_LT(m.score.norm(), 0.03 * scale);
  // Version 1 lets no gradient into the policy's input; at the optimum that changes nothing: later actions are
  // already the best ones.
  EXPECT_LT(m.cut.norm(), 1e-3 * scale);
}

}  // namespace
}  // namespace loom
