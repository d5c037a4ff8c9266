#include <kernels/nn/gae.hpp>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// A rollout on the host, and what every machine makes of it.
struct Rollout {
  int steps, instances;
  std::vector<float> reward, value, next_value, final_value, reward_scale;
  std::vector<std::uint8_t> terminated, truncated;

  Rollout(int t, int n)
      : steps(t),
        instances(n),
        reward(normal_numbers(size(), 0, 1, 1)),
        value(normal_numbers(size(), 0, 1, 2)),
        next_value(normal_numbers(static_cast<std::size_t>(n), 0, 1, 3)),
        final_value(normal_numbers(size(), 0, 1, 4)),
        terminated(size()),
        truncated(size()) {}
  std::size_t size() const { return static_cast<std::size_t>(steps * instances); }
  std::size_t at(int t, int i) const { return static_cast<std::size_t>(t * instances + i); }
  void end_at_random(unsigned seed) {
    std::mt19937 engine(seed);
    for (auto& d : terminated) d = engine() % 10 == 0;
    for (auto& d : truncated) d = engine() % 10 == 0;
  }
};

struct Advantages {
  std::vector<float> advantage, returns;
};

Advantages run(Exec const& exec, Rollout const& r, GaeConfig config) {
  auto const reward = uploaded(exec, r.reward), value = uploaded(exec, r.value);
  auto const next_value = uploaded(exec, r.next_value), final_value = uploaded(exec, r.final_value);
  auto const scale = uploaded(exec, r.reward_scale);
  auto const terminated = uploaded(exec, r.terminated), truncated = uploaded(exec, r.truncated);
  Buffer<float> advantage(exec, r.size()), returns(exec, r.size());
  visit(exec, [&](auto e) {
    gae(e, r.steps, {reward, value, terminated, truncated, next_value, final_value, scale}, config,
        advantage.out(), returns.out());
  });
  return {download(advantage), download(returns)};
}

TEST(Gae, LambdaZeroIsTheTemporalDifference) {
  Rollout const r(11, 64);
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, r, {.gamma = 0.9F, .lambda = 0});
    for (int t = 0; t < r.steps; ++t)
      for (int i = 0; i < r.instances; ++i) {
        double const after =
            t + 1 < r.steps ? r.value[r.at(t + 1, i)] : r.next_value[static_cast<std::size_t>(i)];
        double const delta = r.reward[r.at(t, i)] + double(0.9F) * after - r.value[r.at(t, i)];
        EXPECT_NEAR(got.advantage[r.at(t, i)], delta, 1e-6);
      }
  }
}

TEST(Gae, LambdaOneIsTheDiscountedReturnMinusTheValue) {
  Rollout const r(29, 64);
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, r, {.gamma = 0.9F, .lambda = 1});
    for (int i = 0; i < r.instances; ++i) {
      double discounted = r.next_value[static_cast<std::size_t>(i)];
      for (int t = r.steps; t-- > 0;) {
        discounted = r.reward[r.at(t, i)] + double(0.9F) * discounted;
        EXPECT_NEAR(got.advantage[r.at(t, i)], discounted - r.value[r.at(t, i)], 5e-6);
        EXPECT_NEAR(got.returns[r.at(t, i)], discounted, 5e-6);
      }
    }
  }
}

TEST(Gae, ConstantRewardIsAGeometricSeries) {
  Rollout r(40, 64);
  std::fill(r.reward.begin(), r.reward.end(), 2.F);
  std::fill(r.value.begin(), r.value.end(), 0.F);
  std::fill(r.next_value.begin(), r.next_value.end(), 0.F);
  double const q = double(0.99F) * double(0.95F);
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, r, {});
    for (int t = 0; t < r.steps; ++t)
      EXPECT_NEAR(got.advantage[r.at(t, 17)], 2 * (1 - std::pow(q, r.steps - t)) / (1 - q), 2e-5);
  }
}

TEST(Gae, AnEpisodeKnowsNothingOfTheNext) {
  Rollout r(20, 64);
  r.terminated[r.at(9, 5)] = 1;
  r.truncated[r.at(9, 6)] = 1;
  for (Exec const& exec : every_machine()) {
    auto const before = run(exec, r, {});
    Rollout changed = r;
    for (int t = 10; t < r.steps; ++t)
      for (int i = 5; i < 8; ++i) changed.reward[r.at(t, i)] += 100;
    auto const after = run(exec, changed, {});
    for (int t = 0; t < 10; ++t) {
      EXPECT_EQ(before.advantage[r.at(t, 5)], after.advantage[r.at(t, 5)]);
      EXPECT_EQ(before.advantage[r.at(t, 6)], after.advantage[r.at(t, 6)]);
      EXPECT_NE(before.advantage[r.at(t, 7)], after.advantage[r.at(t, 7)]);
    }
  }
}

TEST(Gae, TruncationBootstrapsFromTheFinalValueAndTerminationFromNothing) {
  Rollout r(3, 64);
  for (int i = 0; i < 3; ++i) {
    r.terminated[r.at(1, i)] = i != 1;
    r.truncated[r.at(1, i)] = i != 0;
  }
  for (Exec const& exec : every_machine())
    for (bool const exact : {true, false}) {
      auto const got = run(exec, r, {.gamma = 0.9F, .lambda = 0.8F, .bootstrap_truncated = exact});
      for (int i = 0; i < 3; ++i) {
        double const after = i == 1 && exact ? double(r.final_value[r.at(1, i)]) : 0.;
        double const want = r.reward[r.at(1, i)] + double(0.9F) * after - r.value[r.at(1, i)];
        EXPECT_NEAR(got.advantage[r.at(1, i)], want, 1e-6) << "instance " << i;
      }
    }
}

TEST(Gae, ScaledRewardsAreClipped) {
  Rollout r(2, 64);
  r.value.assign(r.size(), 0);
  r.next_value.assign(64, 0);
  r.reward = std::vector<float>(r.size(), 3.F);
  r.reward[r.at(1, 1)] = 1000;
  r.reward[r.at(1, 2)] = -1000;
  r.reward_scale = {0.5F};
  for (Exec const& exec : every_machine()) {
    auto const got = run(exec, r, {.lambda = 0});
    EXPECT_EQ(got.advantage[r.at(1, 0)], 1.5F);
    EXPECT_EQ(got.advantage[r.at(1, 1)], 10.F);
    EXPECT_EQ(got.advantage[r.at(1, 2)], -10.F);
  }
}

TEST(Gae, EveryMachineFindsTheSameBits) {
  Rollout r(37, 192);
  r.end_at_random(6);
  auto const want = run(Cpu{nullptr, 1}, r, {});
  ThreadPool pool(2);
  auto all = every_machine();
  all.emplace_back(Cpu{&pool});
  for (Exec const& exec : all) {
    auto const got = run(exec, r, {});
    EXPECT_EQ(got.advantage, want.advantage);
    EXPECT_EQ(got.returns, want.returns);
  }
}

TEST(Gae, AgreesWithTorch) {
  Fixture const f("torch/gae");
  int const steps = static_cast<int>(f.shape("reward")[0]);
  int const columns = static_cast<int>(f.shape("reward")[1]);
  Rollout r(steps, 64);
  auto const spread = [&](auto const& from, auto& to) {
    for (int t = 0; t < steps; ++t)
      for (int i = 0; i < columns; ++i)
        to[r.at(t, i)] = from[static_cast<std::size_t>(t * columns + i)];
  };
  spread(f.floats("reward"), r.reward);
  spread(f.floats("value"), r.value);
  spread(f.floats("final_value"), r.final_value);
  spread(f.flags("terminated"), r.terminated);
  spread(f.flags("truncated"), r.truncated);
  auto const last = f.floats("last_value");
  std::copy(last.begin(), last.end(), r.next_value.begin());
  for (bool const exact : {true, false}) {
    std::string const suffix = exact ? "" : "_no_bootstrap";
    auto const want = f.vector("advantage" + suffix), want_returns = f.vector("returns" + suffix);
    auto const got = run(Cpu{}, r,
                         {.gamma = static_cast<float>(f.scalar("gamma")),
                          .lambda = static_cast<float>(f.scalar("lambda")),
                          .bootstrap_truncated = exact});
    for (int t = 0; t < steps; ++t)
      for (int i = 0; i < columns; ++i) {
        auto const at = static_cast<std::size_t>(t * columns + i);
        EXPECT_NEAR(got.advantage[r.at(t, i)], want[at], 1e-5) << "t = " << t << ", i = " << i;
        EXPECT_NEAR(got.returns[r.at(t, i)], want_returns[at], 1e-5);
      }
  }
}

TEST(Gae, SaysWhatDoesNotFit) {
  Rollout r(2, 64);
  EXPECT_THROW(run(Cpu{}, Rollout(2, 63), {}), ShapeError);
  r.final_value.clear();
  EXPECT_THROW(run(Cpu{}, r, {}), ShapeError);
  EXPECT_NO_THROW(run(Cpu{}, r, {.bootstrap_truncated = false}));
}

}  // namespace
}  // namespace loom
