// What every environment promises, whatever it is.
#include <algorithm>
#include <cmath>
#include <functional>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

INSTANTIATE_TEST_SUITE_P(, EveryEnv, testing::ValuesIn(environments()),
                         [](auto const& info) { return std::string(info.param.stem); });

#if DREAMLOOM_WITH_CUDA
TEST_P(EveryEnv, HasSeparateFunctionsForTheTwoMachines) {
  // Templates of the two compilations can merge unseen, and the emulator would let the CPU's pass
  // for the GPU's.
  EnvEntry const& e = GetParam();
  ASSERT_NE(e.gpu, nullptr);
  auto address = [](auto f) { return reinterpret_cast<void*>(f); };
  EXPECT_NE(address(e.gpu->reset), address(e.cpu->reset));
  EXPECT_NE(address(e.gpu->step), address(e.cpu->step));
  EXPECT_NE(address(e.gpu->step_random), address(e.cpu->step_random));
  EXPECT_NE(address(e.gpu->step_seen), address(e.cpu->step_seen));
  EXPECT_NE(address(e.gpu->draw), address(e.cpu->draw));
  EXPECT_NE(address(e.gpu->rollout), address(e.cpu->rollout));
}
#endif

TEST_P(EveryEnv, KeepsObservationsInsideItsSpace) {
  EnvSpec const& spec = GetParam().spec();
  VectorEnv env(Exec{Cpu{}}, {.name = spec.name, .num_envs = 64});
  for (int t = 0; t < 300; ++t) {
    env.step_random();
    std::vector<float> const o = env.host_observation();
    for (std::size_t k = 0; k < o.size(); ++k) {
      auto const f = k % static_cast<std::size_t>(spec.observation);
      ASSERT_GE(o[k], spec.observation_low[f] - 1e-6F);  // sin^2 + cos^2 by 1 ulp
      ASSERT_LE(o[k], spec.observation_high[f] + 1e-6F);
    }
  }
}

/// Whether two batches of random actions come to see different things.
bool differ(VectorEnvConfig const& a, VectorEnvConfig const& b) {
  VectorEnv one(Exec{Cpu{}}, a), other(Exec{Cpu{}}, b);
  for (int t = 0; t < 250; ++t) {
    if (one.host_observation() != other.host_observation() ||
        download(one.exec(), one.reward()) != download(other.exec(), other.reward()))
      return true;
    one.step_random();
    other.step_random();
  }
  return false;
}

TEST_P(EveryEnv, EveryParameterChangesTheTrajectory) {
  VectorEnvConfig const plain{.name = GetParam().spec().name, .num_envs = 64};
  for (ParamSpec const& s : parameters_of(GetParam())) {
    bool differs = false;
    for (float const value : {s.admissible.low, s.admissible.high}) {
      VectorEnvConfig changed = plain;
      changed.parameters = {{s.name, Distribution::fixed, value, 0}};
      differs = differs || differ(plain, changed);
    }
    EXPECT_TRUE(differs) << s.name;
  }
}

TEST_P(EveryEnv, ParametersDoNotDependOnTheBatch) {
  for (ParamSpec const& s : parameters_of(GetParam())) {
    VectorEnvConfig config{
        .name = GetParam().spec().name,
        .num_envs = 200,
        .parameters = {{s.name, Distribution::uniform, s.admissible.low, s.admissible.high}}};
    std::vector<float> const all = VectorEnv(Exec{Cpu{}}, config).host_parameter(s.name);
    config.num_envs = 30;
    config.first_instance = 117;
    std::vector<float> const some = VectorEnv(Exec{Cpu{}}, config).host_parameter(s.name);
    for (std::size_t i = 0; i < 30; ++i) ASSERT_EQ(some[i], all[117 + i]) << s.name;
  }
}

/// Kolmogorov and Smirnov: the largest distance between the distribution of `x` and `cdf`, in units that do
/// not depend on their number. One in a million samples of the right distribution exceeds kKolmogorov.
constexpr double kKolmogorov = 2.7;
double kolmogorov(std::vector<float> x, std::function<double(double)> const& cdf) {
  std::sort(x.begin(), x.end());
  auto const n = static_cast<double>(x.size());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const p = cdf(static_cast<double>(x[i])), k = static_cast<double>(i);
    worst = std::max({worst, p - k / n, (k + 1) / n - p});
  }
  return worst * std::sqrt(n);
}

TEST_P(EveryEnv, DrawsEveryParameterFromTheDistributionAskedFor) {
  for (Exec const& exec : every_exec())
    for (ParamSpec const& s : parameters_of(GetParam())) {
      float const low = s.admissible.low, high = s.admissible.high;
      auto const draws = [&](Distribution kind, float a, float b) {
        return VectorEnv(exec, {.name = GetParam().spec().name,
                                .num_envs = on_cpu(exec) ? 4096 : 512,
                                .seed = 5,
                                .parameters = {{s.name, kind, a, b}}})
            .host_parameter(s.name);
      };
      auto const l = static_cast<double>(low), h = static_cast<double>(high);
      EXPECT_LT(kolmogorov(draws(Distribution::uniform, low, high),
                           [&](double x) { return (x - l) / (h - l); }),
                kKolmogorov)
          << s.name;
      float const middle = 0.5F * (low + high), deviation = (high - low) / 12;  // clipped at 6
      auto const m = static_cast<double>(middle), sd = static_cast<double>(deviation);
      EXPECT_LT(
          kolmogorov(draws(Distribution::normal, middle, deviation),
                     [&](double x) { return 0.5 * std::erfc((m - x) / sd / std::sqrt(2.0)); }),
          kKolmogorov)
          << s.name;
      if (high <= 0) continue;
      float const from = std::max(low, 1e-3F * high);
      auto const lf = std::log(static_cast<double>(from));
      EXPECT_LT(kolmogorov(draws(Distribution::log_uniform, from, high),
                           [&](double x) { return (std::log(x) - lf) / (std::log(h) - lf); }),
                kKolmogorov)
          << s.name;
    }
}

TEST_P(EveryEnv, ClipsANormalParameterToWhatIsAdmissible) {
  for (ParamSpec const& s : parameters_of(GetParam())) {
    float const wide = s.admissible.high - s.admissible.low;
    VectorEnv const env(Exec{Cpu{}},
                        {.name = GetParam().spec().name,
                         .num_envs = 1000,
                         .parameters = {{s.name, Distribution::normal, s.admissible.low, wide}}});
    for (float const v : env.host_parameter(s.name)) {
      ASSERT_GE(v, s.admissible.low) << s.name;
      ASSERT_LE(v, s.admissible.high) << s.name;
    }
  }
}

}  // namespace
}  // namespace loom
