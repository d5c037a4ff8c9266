// Fused rollouts with a 64 x 64 tanh policy inside, one core: policy alone, and policy, value and
// log-probability with everything stored. Floor: the networks' multiply-adds at the measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <sim/core/vector_env.hpp>

namespace {
using namespace loom;

void rollout(benchmark::State& state, EnvEntry const& entry, bool everything) {
  Exec const exec{Cpu{}};
  int const n = 4096, steps = 16, o = entry.spec().observation;
  VectorEnv env(exec, {.name = entry.spec().name, .num_envs = n});
  MlpShape const actor_shape{{o, 64, 64, entry.spec().actions.size}, Activation::tanh};
  MlpShape const critic_shape{{o, 64, 64, 1}, Activation::tanh};
  PackedMlp actor(exec, actor_shape), critic(exec, critic_shape);
  std::vector<float> const parameters(static_cast<std::size_t>(actor_shape.parameters()), 0.01F);
  actor.pack(parameters);
  critic.pack(In<float>(parameters.data(), static_cast<std::size_t>(critic_shape.parameters())));
  std::vector<float> const log_std(kMaxAction, 0.F);
  std::size_t const all = std::size_t{16} * 4096;
  auto const fields = static_cast<std::size_t>(o);
  Buffer<float> observation(exec, all * fields), final_observation(exec, all * fields),
      action(exec, all * static_cast<std::size_t>(env.action_fields())), log_prob(exec, all),
      value(exec, all), reward(exec, all);
  Buffer<std::uint8_t> terminated(exec, all), truncated(exec, all);
  PolicyView policy;
  policy.actor = actor.view();
  policy.log_std = log_std.data();
  RolloutView out{.steps = steps};
  if (everything) {
    policy.critic = critic.view();
    out = {
        steps,         observation.data(), action.data(),    log_prob.data(),         value.data(),
        reward.data(), terminated.data(),  truncated.data(), final_observation.data()};
  }
  for (auto _ : state) env.rollout(policy, out);
  double const items = static_cast<double>(state.iterations()) * n * steps;
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  double flops = 0;
  for (MlpShape const& net : {actor_shape, critic_shape}) {
    for (int l = 0; l < net.depth(); ++l)
      flops +=
          2.0 * net.sizes[static_cast<std::size_t>(l)] * net.sizes[static_cast<std::size_t>(l) + 1];
    if (!everything) break;
  }
  state.counters["FLOP/s"] = benchmark::Counter(flops * items, benchmark::Counter::kIsRate);
  state.counters["peak"] = bench::fma_peak();
}

[[maybe_unused]] int const registered = [] {
  for (EnvEntry const& e : environments())
    for (bool const everything : {false, true})
      benchmark::RegisterBenchmark(
          (std::string("rollout/") + e.stem + (everything ? "/policy_value_log_prob" : "/policy"))
              .c_str(),
          [&e, everything](benchmark::State& s) { rollout(s, e, everything); });
  return 0;
}();

}  // namespace
