// Copies of instances a second: all of a batch saved, restored in another order.
#include <benchmark/benchmark.h>

#include <sim/core/vector_env.hpp>

namespace {
using namespace loom;

struct Copies {
  VectorEnv env;
  std::vector<std::int32_t> ids, shuffled;

  explicit Copies(int n) : env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = n}) {
    for (int i = 0; i < n; ++i) {
      ids.push_back(i);
      shuffled.push_back(static_cast<int>(std::int64_t{i} * 7919 % n));
    }
  }
  void report(benchmark::State& state) const {
    auto const n = static_cast<std::int64_t>(ids.size());
    int const words = env.memory().record.fields + env.observation_fields();
    state.SetItemsProcessed(state.iterations() * n);
    state.SetBytesProcessed(state.iterations() * n * 2 * 4 * words);
  }
};

void save_in_order(benchmark::State& state) {
  Copies const c(static_cast<int>(state.range(0)));
  Snapshot s = c.env.save(c.ids);
  for (auto _ : state) c.env.save(c.ids, s);
  c.report(state);
}

void restore_shuffled(benchmark::State& state) {
  Copies c(static_cast<int>(state.range(0)));
  Snapshot const s = c.env.save(c.ids);
  for (auto _ : state) c.env.restore(c.ids, s, c.shuffled, Stream::fork);
  c.report(state);
}

void restore_one_cell(benchmark::State& state) {
  Copies c(static_cast<int>(state.range(0)));
  Snapshot const s = c.env.save(c.ids);
  std::vector<std::int32_t> const one(c.ids.size(), 5);
  for (auto _ : state) c.env.restore(c.ids, s, one, Stream::fork);
  c.report(state);
}

BENCHMARK(save_in_order)->Arg(4096)->Arg(65536);
BENCHMARK(restore_shuffled)->Arg(4096)->Arg(65536);
BENCHMARK(restore_one_cell)->Arg(4096);

}  // namespace
