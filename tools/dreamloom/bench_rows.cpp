#include <tools/dreamloom/bench_rows.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <kernels/linalg/gemm.hpp>
#include <kernels/nn/mlp.hpp>
#include <memory>
#include <sim/core/pixels.hpp>
#include <tools/dreamloom/environments.hpp>

namespace loom {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Every parameter uniform within 10 % of its default, as far as that is admissible.
std::vector<ParameterRule> randomised(EnvEntry const& entry) {
  std::vector<ParameterRule> rules;
  for (ParamSpec const& p : parameters_of(entry)) {
    double const a = 0.9 * static_cast<double>(p.value), b = 1.1 * static_cast<double>(p.value);
    rules.push_back({p.name, Distribution::uniform,
                     std::max(std::min(a, b), static_cast<double>(p.admissible.low)),
                     std::min(std::max(a, b), static_cast<double>(p.admissible.high)), "bench"});
  }
  return rules;
}

/// Random actions, all parameters randomised, auto-reset, statistics and observations included.
BenchRow step_row(Exec const& exec, EnvEntry const& entry, int num_envs, std::string name) {
  auto env = std::make_shared<VectorEnv>(
      exec, batch_of(entry.spec().name, num_envs, 1, randomised(entry)));
  double const n = num_envs;
  BenchRow row{std::move(name), "steps", n, 0, 0, 0, [env] { env->step_random(); }};
  // A record is read once and its state and books written; observation, reward and flags written.
  int const fields =
      2 * entry.record_fields() - entry.num_parameters() + entry.spec().observation + 1;
  row.bytes = n * (4.0 * fields + 2);
  row.working_set = n * (4.0 * (entry.record_fields() + entry.spec().observation + 1) + 2);
  return row;
}

/// Every instance drawn and rendered, 64 x 64 x 3.
BenchRow pixels_row(Exec const& exec, EnvEntry const& entry, int num_envs, std::string name) {
  struct Seeing {
    VectorEnv env;
    Pixels pixels;
  };
  VectorEnv env(exec, batch_of(entry.spec().name, num_envs, 1, {}));
  Pixels pixels(env, {64, 1}, 1);
  auto const s = std::make_shared<Seeing>(Seeing{std::move(env), std::move(pixels)});
  double const n = num_envs, bytes = 64 * 64 * 3 * n;
  return {
      std::move(name), "frames", n, bytes, 0, bytes, [exec, s] { s->pixels.see(exec, s->env, 0); }};
}

/// The whole batch saved and restored in another order.
BenchRow snapshot_row(Exec const& exec, EnvEntry const& entry, int num_envs, std::string name) {
  struct Copies {
    VectorEnv env;
    Buffer<std::int32_t> ids, shuffled;
    Snapshot snapshot;
  };
  std::vector<std::int32_t> ids, shuffled;
  for (int i = 0; i < num_envs; ++i) {
    ids.push_back(i);
    shuffled.push_back(static_cast<std::int32_t>(std::int64_t{i} * 7919 % num_envs));
  }
  VectorEnv env(exec, batch_of(entry.spec().name, num_envs, 1, {}));
  Buffer<std::int32_t> on_device = uploaded(exec, ids);
  Snapshot snapshot = env.save(on_device.in());
  auto const c = std::make_shared<Copies>(
      Copies{std::move(env), std::move(on_device), uploaded(exec, shuffled), std::move(snapshot)});
  double const n = num_envs;
  double const words = entry.record_fields() + entry.spec().observation;
  BenchRow row{std::move(name), "instances", n, 4 * 4 * words * n, 0, 2 * 4 * words * n, {}};
  row.call = [c] {
    c->env.save(c->ids.in(), c->snapshot);
    c->env.restore(c->ids.in(), c->snapshot, c->shuffled.in(), Stream::fork);
  };
  return row;
}

/// Values around zero, of the size that keeps activations alive.
Buffer<float> some_values(Exec const& exec, std::size_t n, float scale) {
  std::vector<float> host(n);
  for (std::size_t i = 0; i < n; ++i) {
    host[i] = scale * std::sin(static_cast<float>(i % 10007) * 1.7F);
  }
  return uploaded(exec, host);
}

struct Network {
  MlpShape shape;
  int rows;
  Buffer<float> parameters, x, y;
  PackedMlp packed;

  Network(Exec const& exec, std::vector<int> sizes, int n)
      : shape{std::move(sizes)},
        rows(n),
        parameters(some_values(exec, static_cast<std::size_t>(shape.parameters()), 0.2F)),
        x(some_values(exec, static_cast<std::size_t>(n * shape.inputs()), 1)),
        y(exec, static_cast<std::size_t>(n * shape.outputs())),
        packed(exec, shape) {
    packed.pack(parameters.in());
  }
  /// Multiply-adds of one pass, two operations each; activations count as nothing.
  double flops() const {
    double sum = 0;
    for (int l = 0; l < shape.depth(); ++l) {
      auto const i = static_cast<std::size_t>(l);
      sum += 2.0 * rows * shape.sizes[i] * shape.sizes[i + 1];
    }
    return sum;
  }
  double bytes() const {
    return 4.0 * static_cast<double>(parameters.size() + x.size() + y.size());
  }
};

enum class RolloutOf { policy, policy_and_value };

/// T steps with a 64 x 64 tanh policy inside the kernel; with a value network of the same shape the
/// row is what PPO collects: observations, actions, log-probabilities, values, rewards, flags.
BenchRow rollout_row(Exec const& exec, EnvEntry const& entry, RolloutOf what, std::string name) {
  constexpr int kNumEnvs = 4096, kSteps = 16;
  constexpr std::size_t kN = kNumEnvs, kT = kSteps;
  struct Rollout {
    VectorEnv env;
    Network actor, critic;
    Buffer<float> log_std, observation, final_observation, action, log_prob, value, reward;
    Buffer<std::uint8_t> terminated, truncated;
  };
  EnvSpec const& spec = entry.spec();
  int const outputs = spec.actions.size;
  auto const floats = [&](int fields) {
    return Buffer<float>(exec, kT * kN * static_cast<std::size_t>(fields));
  };
  auto const r = std::make_shared<Rollout>(Rollout{
      VectorEnv(exec, batch_of(spec.name, kNumEnvs, 1, randomised(entry))),
      Network(exec, {spec.observation, 64, 64, outputs}, kNumEnvs),
      Network(exec, {spec.observation, 64, 64, 1}, kNumEnvs),
      zeros<float>(exec, static_cast<std::size_t>(spec.actions.fields())), floats(spec.observation),
      floats(spec.observation), floats(spec.actions.fields()), floats(1), floats(1), floats(1),
      Buffer<std::uint8_t>(exec, kT * kN), Buffer<std::uint8_t>(exec, kT * kN)});
  PolicyView policy;
  RolloutView out;
  policy.actor = r->actor.packed.view();
  policy.log_std = r->log_std.data();
  out.steps = kSteps;
  double flops = r->actor.flops(), bytes = 0;
  if (what == RolloutOf::policy_and_value) {
    policy.critic = r->critic.packed.view();
    flops += r->critic.flops();
    out.observation = r->observation.data();
    out.final_observation = r->final_observation.data();
    out.action = r->action.data();
    out.log_prob = r->log_prob.data();
    out.value = r->value.data();
    out.reward = r->reward.data();
    out.terminated = r->terminated.data();
    out.truncated = r->truncated.data();
    bytes = 4.0 * (spec.observation + spec.actions.fields() + 3) + 2;
  }
  double const n = kNumEnvs * kSteps;
  double const record = 4.0 * entry.record_fields() * kNumEnvs;
  return {
      std::move(name), "steps", n, bytes * n, flops * kSteps, record + bytes * n, [r, policy, out] {
        r->env.rollout(policy, out);
      }};
}

std::string sizes_text(std::vector<int> const& sizes) {
  return fmt::format("{}", fmt::join(sizes, "-"));
}

BenchRow forward_row(Exec const& exec, std::vector<int> const& sizes, int rows, std::string name) {
  auto net = std::make_shared<Network>(exec, sizes, rows);
  BenchRow row{std::move(name), "rows", static_cast<double>(rows), 0, 0, 0, {}};
  row.flops = net->flops();
  row.bytes = row.working_set = net->bytes();
  row.call = [exec, net] {
    visit(exec, [&](auto e) {
      mlp_forward(e, net->packed.view(), {net->x.data(), net->rows, net->shape.inputs()},
                  {net->y.data(), net->rows, net->shape.outputs()});
    });
  };
  return row;
}

BenchRow gemm_row(Exec const& exec, int m, int n, int k, std::string name) {
  struct Matrices {
    Buffer<float> a, b, c;
  };
  auto const size = [](int rows, int cols) { return static_cast<std::size_t>(rows * cols); };
  auto const data = std::make_shared<Matrices>(Matrices{some_values(exec, size(m, k), 1),
                                                        some_values(exec, size(k, n), 1),
                                                        Buffer<float>(exec, size(m, n))});
  BenchRow row{std::move(name), "flop", 2.0 * m * n * k, 0, 2.0 * m * n * k, 0, {}};
  row.bytes = row.working_set =
      4.0 * static_cast<double>(data->a.size() + data->b.size() + data->c.size());
  row.call = [exec, data, m, n, k] {
    visit(exec, [&](auto e) {
      gemm(e, {data->a.data(), m, k}, {data->b.data(), k, n}, {data->c.data(), m, n});
    });
  };
  return row;
}

}  // namespace

std::vector<BenchRow> bench_rows(Exec const& exec, std::string const& filter) {
  std::vector<BenchRow> rows;
  auto const wanted = [&](std::string const& name) {
    return lower(name).find(lower(filter)) != std::string::npos;
  };
  for (EnvEntry const& entry : environments()) {
    for (int const num_envs : {64, 4096, 65536}) {
      std::string const name =
          std::string(entry.spec().name) + " step, " + std::to_string(num_envs);
      if (wanted(name)) rows.push_back(step_row(exec, entry, num_envs, name));
    }
  }
  for (EnvEntry const& entry : environments()) {
    std::string const name = std::string(entry.spec().name) + " pixels 64 x 64, 1024";
    if (wanted(name)) rows.push_back(pixels_row(exec, entry, 1024, name));
  }
  {
    std::string const name = "CartPole save + restore, 4096";
    if (wanted(name)) rows.push_back(snapshot_row(exec, find_environment("CartPole"), 4096, name));
  }
  for (EnvEntry const& entry : environments()) {
    for (auto const& [what, text] : {std::pair{RolloutOf::policy, "policy"},
                                     {RolloutOf::policy_and_value, "policy + value"}}) {
      std::string const name = fmt::format("{} rollout, {}, 4096", entry.spec().name, text);
      if (wanted(name)) rows.push_back(rollout_row(exec, entry, what, name));
    }
  }
  for (auto const& sizes : {std::vector<int>{4, 64, 64, 2}, {17, 64, 64, 6}, {32, 256, 256, 16}}) {
    std::string const name = "MLP forward " + sizes_text(sizes) + ", 4096";
    if (wanted(name)) rows.push_back(forward_row(exec, sizes, 4096, name));
  }
  for (auto const& [m, n, k] : {std::array{4096, 64, 64}, {64, 64, 4096}, {2500, 600, 200}}) {
    std::string const name = fmt::format("gemm {} x {} x {}", m, n, k);
    if (wanted(name)) rows.push_back(gemm_row(exec, m, n, k, name));
  }
  return rows;
}

}  // namespace loom
