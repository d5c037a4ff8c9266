#include <benchmark/benchmark.h>

#include <kernels/dream/truncated_actor.hpp>
#include <vector>

// Actions of one imagined step from 2500 states. Floor: five elementary functions an action.
static void truncated_actor_cpu(benchmark::State& state) {
  int const rows = 2500, n = static_cast<int>(state.range(0));
  std::vector<float> raw(static_cast<std::size_t>(rows * 2 * n), 0.3F), action(raw.size() / 2);
  std::vector<std::uint32_t> stream(static_cast<std::size_t>(rows), 1), tick{1};
  for (auto _ : state) {
    loom::truncated_actor_sample(loom::Cpu{}, {raw.data(), rows, 2 * n}, {1, stream, tick},
                                 {action.data(), rows, n});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * n);
}
BENCHMARK(truncated_actor_cpu)->Arg(1)->Arg(6);
