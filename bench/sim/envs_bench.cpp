// Environment steps a second: random actions drawn inside, every parameter randomised, auto-reset,
// statistics and observations. Memory: bytes of a record, observation, reward and flags an
// instance.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <kernels/core/thread_pool.hpp>
#include <sim/core/vector_env.hpp>

namespace {
using namespace loom;

void step(benchmark::State& state, EnvEntry const& entry, int lanes, int threads) {
  ThreadPool pool(threads);
  VectorEnvConfig config{.name = entry.spec().name, .num_envs = static_cast<int>(state.range(0))};
  for (int p = 0; p < entry.cpu->num_parameters; ++p) {
    ParamSpec const& s = entry.cpu->parameters[p];
    config.parameters.push_back({s.name, Distribution::uniform,
                                 std::max(0.9F * s.value, s.admissible.low),
                                 std::min(1.1F * s.value, s.admissible.high)});
  }
  VectorEnv env(Exec{Cpu{threads > 1 ? &pool : nullptr, lanes}}, config);
  for (auto _ : state) env.step_random();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  // Loaded and stored: state, step, tick, return; loaded: parameters, stream; stored: observation,
  // reward, flags.
  int const words = 2 * (entry.cpu->state_fields + 3) + entry.cpu->num_parameters + 1 +
                    entry.spec().observation + 1;
  state.SetBytesProcessed(state.iterations() * state.range(0) * (4 * words + 2));
  state.counters["bytes/instance"] = 4.0 * (entry.record_fields() + 2 * entry.spec().observation +
                                            entry.spec().actions.fields() + 1) +
                                     2;
}

[[maybe_unused]] int const registered = [] {
  for (EnvEntry const& e : environments()) {
    std::string const name = std::string("step/") + e.stem;
    auto add = [&](std::string const& suffix, int lanes, int threads) {
      benchmark::RegisterBenchmark(
          (name + suffix).c_str(),
          [&e, lanes, threads](benchmark::State& s) { step(s, e, lanes, threads); })
          ->Arg(1)
          ->Arg(64)
          ->Arg(4096)
          ->Arg(65536)
          ->UseRealTime();
    };
    add("/widest", 0, 1);
    add("/one_lane", 1, 1);
    add("/two_threads", 0, 2);
  }
  return 0;
}();

}  // namespace
