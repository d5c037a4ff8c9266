#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/core/thread_pool.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

/// A policy with random weights for one environment, and room for its rollout.
struct Acting {
  VectorEnv env;
  MlpShape actor_shape, critic_shape;
  std::vector<float> actor_parameters, critic_parameters;
  PackedMlp actor, critic;
  Buffer<float> log_std, observation, action, log_prob, value, reward, final_observation;
  Buffer<std::uint8_t> terminated, truncated;
  int steps;

  static std::vector<float> random_parameters(Exec const& exec, MlpShape const& shape,
                                              PackedMlp& net, std::uint32_t stream) {
    std::vector<float> p(static_cast<std::size_t>(shape.parameters()));
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = Random<float>(1, stream, static_cast<std::uint32_t>(i), Purpose::weights).normal();
    // Activations stay near one, whatever the width.
    for (int l = 0; l < shape.depth(); ++l) {
      int const inputs = shape.sizes[static_cast<std::size_t>(l)];
      auto const end =
          l + 1 < shape.depth() ? static_cast<std::size_t>(shape.offset(l + 1)) : p.size();
      for (auto i = static_cast<std::size_t>(shape.offset(l)); i < end; ++i)
        p[i] *= std::min(0.3F, 1 / std::sqrt(static_cast<float>(inputs)));
    }
    Buffer<float> const device = uploaded(exec, p);
    net.pack(exec, device.in());
    return p;
  }

  static std::vector<int> sizes_of(int inputs, std::vector<int> hidden, int outputs) {
    hidden.insert(hidden.begin(), inputs);
    hidden.push_back(outputs);
    return hidden;
  }

  Acting(Exec const& exec, EnvEntry const& entry, int n, int steps_,
         std::vector<int> const& actor_hidden = {40, 24},
         std::vector<int> const& critic_hidden = {72})
      : env(exec, {.name = entry.spec().name, .num_envs = n, .seed = 9}),
        actor_shape{sizes_of(entry.spec().observation, actor_hidden, entry.spec().actions.size),
                    Activation::tanh},
        critic_shape{sizes_of(entry.spec().observation, critic_hidden, 1), Activation::relu},
        actor(exec, actor_shape),
        critic(exec, critic_shape),
        log_std(uploaded(exec, std::vector<float>(kMaxAction, -0.5F))),
        steps(steps_) {
    actor_parameters = random_parameters(exec, actor_shape, actor, 1);
    critic_parameters = random_parameters(exec, critic_shape, critic, 2);
    auto const all = static_cast<std::size_t>(steps) * static_cast<std::size_t>(env.padded());
    auto const o = static_cast<std::size_t>(env.observation_fields());
    observation = zeros<float>(exec, all * o);
    final_observation = zeros<float>(exec, all * o);
    action = zeros<float>(exec, all * static_cast<std::size_t>(env.action_fields()));
    log_prob = zeros<float>(exec, all);
    value = zeros<float>(exec, all);
    reward = zeros<float>(exec, all);
    terminated = zeros<std::uint8_t>(exec, all);
    truncated = zeros<std::uint8_t>(exec, all);
  }
  PolicyView policy() const {
    PolicyView p;
    p.actor = actor.view();
    p.critic = critic.view();
    p.log_std = log_std.data();
    return p;
  }
  RolloutView view() {
    return {
        steps,         observation.data(), action.data(),    log_prob.data(),         value.data(),
        reward.data(), terminated.data(),  truncated.data(), final_observation.data()};
  }
};

/// net(x) in double, for networks of identity outputs.
std::vector<double> reference(MlpShape const& shape, std::vector<float> const& parameters,
                              std::vector<double> x) {
  for (int l = 0; l < shape.depth(); ++l) {
    auto const in = static_cast<std::size_t>(shape.sizes[static_cast<std::size_t>(l)]);
    auto const out = static_cast<std::size_t>(shape.sizes[static_cast<std::size_t>(l) + 1]);
    float const* const w = parameters.data() + shape.offset(l);
    std::vector<double> y(out);
    for (std::size_t n = 0; n < out; ++n) {
      y[n] = static_cast<double>(w[in * out + n]);
      for (std::size_t k = 0; k < in; ++k) y[n] += static_cast<double>(w[n * in + k]) * x[k];
      if (l + 1 < shape.depth())
        y[n] = shape.hidden == Activation::tanh ? std::tanh(y[n]) : std::max(0.0, y[n]);
    }
    x = y;
  }
  return x;
}

TEST_P(EveryEnv, RollsOutTheSameBitsAsStepByStep) {
  EnvEntry const& entry = GetParam();
  // A few instances take one pack of the tile, many the whole of it.
  for (int const n : {100, 3})
    for (Exec const& exec : every_exec()) {
      int const steps = 60;
      Acting s(exec, entry, n, steps);
      VectorEnv slow(exec, s.env.config());
      s.env.rollout(s.policy(), s.view());
      auto const padded = static_cast<std::size_t>(slow.padded());
      auto const fields = static_cast<std::size_t>(slow.action_fields());
      int const o = slow.observation_fields();
      std::vector<float> observation = download(s.observation);
      auto const of_step = [&]<class T>(Buffer<T> const& all, std::size_t t) {
        return download(exec, all.in().slice(t * padded, static_cast<std::size_t>(n)));
      };
      auto const now = [&]<class T>(In<T> all) {
        return download(exec, all.slice(0, static_cast<std::size_t>(n)));
      };
      for (std::size_t t = 0; t < static_cast<std::size_t>(steps); ++t) {
        Tiles<float> const seen{observation.data() + t * padded * static_cast<std::size_t>(o), o};
        std::vector<float> rows;
        for (int i = 0; i < n; ++i)
          for (int f = 0; f < o; ++f) rows.push_back(seen.at(f, i));
        ASSERT_EQ(rows, slow.host_observation()) << entry.stem << ", step " << t;
        copy<float>(exec, s.action.in().slice(t * padded * fields, padded * fields),
                    slow.action_words());
        slow.step();
        ASSERT_EQ(of_step(s.reward, t), now(slow.reward()));
        ASSERT_EQ(of_step(s.terminated, t), now(slow.terminated()));
        ASSERT_EQ(of_step(s.truncated, t), now(slow.truncated()));
      }
      EXPECT_EQ(s.env.host_state(), slow.host_state()) << entry.stem;
      EXPECT_EQ(s.env.host_observation(), slow.host_observation()) << entry.stem;
      EXPECT_EQ(s.env.statistics().episodes, slow.statistics().episodes) << entry.stem;
    }
}

// Log-probabilities and values of a rollout against networks in double.
void expect_policy(Acting& s, EnvEntry const& entry, double tolerance) {
  int const n = s.env.num_envs(), padded = s.env.padded();
  s.env.rollout(s.policy(), s.view());
  std::vector<float> observation = download(s.observation), action = download(s.action);
  std::vector<float> const log_prob = download(s.log_prob), value = download(s.value);
  ActionSpace const space = entry.spec().actions;
  int const fields = space.fields(), o = entry.spec().observation;
  std::vector<int> chosen(static_cast<std::size_t>(space.size), 0);
  for (int t = 0; t < s.steps; ++t)
    for (int i = 0; i < n; ++i) {
      std::vector<double> x;
      for (int f = 0; f < o; ++f)
        x.push_back(Tiles<float>{observation.data() + t * padded * o, o}.at(f, i));
      std::vector<double> const head = reference(s.actor_shape, s.actor_parameters, x);
      auto const at = static_cast<std::size_t>(t * padded + i);
      EXPECT_NEAR(value[at], reference(s.critic_shape, s.critic_parameters, x)[0], tolerance);
      double want = 0;
      auto a = [&](int k) {
        return Tiles<float>{action.data() + t * padded * fields, fields}.at(k, i);
      };
      if (space.discrete) {
        double sum = 0;
        for (double const h : head) sum += std::exp(h);
        int const picked = as_int(a(0));
        ASSERT_GE(picked, 0);
        ASSERT_LT(picked, space.size);
        ++chosen[static_cast<std::size_t>(picked)];
        want = head[static_cast<std::size_t>(picked)] - std::log(sum);
      } else {
        for (int k = 0; k < fields; ++k) {
          double const z =
              (static_cast<double>(a(k)) - head[static_cast<std::size_t>(k)]) * std::exp(0.5);
          want += -0.5 * z * z + 0.5 - 0.5 * std::log(2 * M_PI);
        }
      }
      EXPECT_NEAR(log_prob[at], want, 4 * tolerance) << entry.stem;
    }
  for (int const c : chosen)
    EXPECT_TRUE(c > 0 || !space.discrete) << "an action that was never sampled";
}

// The GPU rounds weights and activations to bf16.
double policy_tolerance(Exec const& exec) { return on_cpu(exec) ? 2e-5 : 3e-2; }

TEST_P(EveryEnv, SamplesFromThePolicyItWasGiven) {
  for (Exec const& exec : every_exec()) {
    Acting s(exec, GetParam(), 64, 8);
    expect_policy(s, GetParam(), policy_tolerance(exec));
  }
}

// Every number of columns that a warp of a GPU block may take, and more instances than two
// multiprocessors hold at once.
TEST_P(EveryEnv, RollsOutPoliciesOfAnyWidth) {
  for (Exec const& exec : every_exec()) {
    Acting s(exec, GetParam(), 300, 2, {40, 100, 24, 190, 50, 256}, {256, 190, 24, 100, 40});
    expect_policy(s, GetParam(), 2 * policy_tolerance(exec));
  }
}

// Features stand in for observations: the same numbers as the networks in double.
TEST(ChooseActions, FollowsPoliciesOfAnyWidthOnFeatures) {
  for (Exec const& exec : every_exec()) {
    EnvEntry const& entry = find_environment("Pendulum");
    Acting s(exec, entry, 300, 1, {40, 100, 24, 190, 50, 256}, {256, 190, 24, 100, 40});
    int const n = s.env.padded();
    std::vector<float> rows;
    for (int i = 0; i < 3 * n; ++i) rows.push_back(std::sin(0.7F * static_cast<float>(i)));
    Buffer<float> const features = uploaded(exec, rows);
    visit(exec, [&](auto e) {
      choose_actions(e, entry.spec().actions, s.policy(), s.env.memory(), {features.data(), n, 3},
                     s.view(), 0);
    });
    std::vector<float> const action = download(s.action), log_prob = download(s.log_prob),
                             value = download(s.value);
    double const tolerance = 2 * policy_tolerance(exec);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      std::vector<double> const x{rows.begin() + static_cast<std::ptrdiff_t>(3 * i),
                                  rows.begin() + static_cast<std::ptrdiff_t>(3 * i + 3)};
      EXPECT_NEAR(value[i], reference(s.critic_shape, s.critic_parameters, x)[0], tolerance);
      double const mean = reference(s.actor_shape, s.actor_parameters, x)[0];
      double const z = (static_cast<double>(action[i]) - mean) * std::exp(0.5);
      EXPECT_NEAR(log_prob[i], -0.5 * z * z + 0.5 - 0.5 * std::log(2 * M_PI), 4 * tolerance);
    }
  }
}

TEST(PolicyAct, TakesGreedyActionsOfPoliciesOfAnyWidth) {
  for (Exec const& exec : every_exec()) {
    EnvEntry const& entry = find_environment("Pendulum");
    Acting s(exec, entry, 1, 1, {40, 100, 24, 190, 50, 256});
    constexpr int kRows = 300;
    std::vector<float> rows;
    for (int i = 0; i < 3 * kRows; ++i) rows.push_back(std::sin(0.7F * static_cast<float>(i)));
    Buffer<float> observation = uploaded(exec, rows), action(exec, kRows);
    PolicyView policy = s.policy();
    policy.greedy = true;
    visit(exec, [&](auto e) {
      policy_act(e, entry.spec().actions, policy, 1, 0, {observation.data(), kRows, 3},
                 {action.data(), kRows, 1});
    });
    std::vector<float> const got = download(action);
    for (std::size_t i = 0; i < kRows; ++i) {
      std::vector<double> const x{rows.begin() + static_cast<std::ptrdiff_t>(3 * i),
                                  rows.begin() + static_cast<std::ptrdiff_t>(3 * i + 3)};
      EXPECT_NEAR(got[i], reference(s.actor_shape, s.actor_parameters, x)[0],
                  2 * policy_tolerance(exec));
    }
  }
}

TEST(Rollout, IsTheSameForAnyThreadsAndAnyBatch) {
  ThreadPool two(2);
  for (EnvEntry const& entry : environments()) {
    Acting a(Exec{Cpu{}}, entry, 200, 20), b(Exec{Cpu{&two}}, entry, 200, 20),
        c(Exec{Cpu{nullptr, 1}}, entry, 200, 20);
    for (Acting* s : {&a, &b, &c}) s->env.rollout(s->policy(), s->view());
    EXPECT_EQ(download(a.log_prob), download(b.log_prob));
    EXPECT_EQ(download(a.log_prob), download(c.log_prob));
    EXPECT_EQ(a.env.host_memory(), b.env.host_memory());
    EXPECT_EQ(a.env.host_memory(), c.env.host_memory());
  }
}

TEST(Rollout, GreedyTakesTheBestActionAndLeavesTheRandomNumbersAlone) {
  EnvEntry const& pendulum = find_environment("Pendulum");
  Acting s(Exec{Cpu{}}, pendulum, 64, 3);
  PolicyView policy = s.policy();
  policy.greedy = true;
  s.env.rollout(policy, s.view());
  std::vector<float> const observation = download(s.observation), action = download(s.action);
  for (std::size_t i = 0; i < 64; ++i) {
    std::vector<double> const x{observation[i], observation[64 + i], observation[128 + i]};
    EXPECT_NEAR(action[i], reference(s.actor_shape, s.actor_parameters, x)[0], 2e-5);
  }
}

TEST(Rollout, ValuesOfListedPlacesOnly) {
  for (Exec const& exec : every_exec()) {
    EnvEntry const& entry = find_environment("CartPole");
    Acting s(exec, entry, 128, 1);
    std::vector<std::int32_t> const places{3, 64, 65, 127, 0};  // the last is beyond the count
    Buffer<std::int32_t> const list = uploaded(exec, places),
                               count = uploaded(exec, std::vector<std::int32_t>{4});
    Buffer<float> value = uploaded(exec, std::vector<float>(128, -7.F)),
                  all = zeros<float>(exec, 128);
    visit(exec, [&](auto e) {
      observation_values(e, s.critic.view(), {}, s.env.memory().observation, 5, list.in(),
                         count.in(), value.out());
      observation_values(e, s.critic.view(), {}, s.env.memory().observation, 128, {}, {},
                         all.out());
    });
    std::vector<float> const some = download(value), every = download(all);
    for (std::size_t i = 0; i < 128; ++i) {
      bool const listed = i == 3 || i == 64 || i == 65 || i == 127;
      EXPECT_EQ(some[i], listed ? every[i] : -7.F) << i;
    }
  }
}

TEST(Rollout, ValuesOfCriticsOfAnyWidth) {
  for (Exec const& exec : every_exec()) {
    int const n = 320;
    Acting s(exec, find_environment("Pendulum"), n, 1, {40}, {40, 100, 24, 190, 256});
    Buffer<float> value = zeros<float>(exec, n);
    visit(exec, [&](auto e) {
      observation_values(e, s.critic.view(), {}, s.env.memory().observation, n, {}, {},
                         value.out());
    });
    std::vector<float> const got = download(value), rows = s.env.host_observation();
    for (std::size_t i = 0; i < got.size(); ++i) {
      std::vector<double> const x{rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]};
      EXPECT_NEAR(got[i], reference(s.critic_shape, s.critic_parameters, x)[0],
                  2 * policy_tolerance(exec));
    }
  }
}

TEST(Rollout, RefusesNetworksThatDoNotFit) {
  Acting s(Exec{Cpu{}}, find_environment("CartPole"), 64, 1);
  PolicyView policy = s.policy();
  std::swap(policy.actor, policy.critic);
  EXPECT_THROW(s.env.rollout(policy, s.view()), ShapeError);
}

}  // namespace
}  // namespace loom
