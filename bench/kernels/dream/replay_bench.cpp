#include <benchmark/benchmark.h>

#include <kernels/dream/replay.hpp>
#include <vector>

// Places of a batch of 16 sequences of 65 records, and where its results go back to.
static void replay_batch_cpu(benchmark::State& state) {
  using namespace loom;
  int const instances = static_cast<int>(state.range(0));
  ReplayShape const shape{instances, 1 << 12};
  std::vector<std::uint32_t> count(static_cast<std::size_t>(instances), 1U << 13), taken = count,
                                                                                   tick{1};
  std::vector<std::int32_t> place(16 * 65), target(16 * 64);
  for (auto _ : state) {
    replay_sample(Cpu{}, shape, {1, 16, 65, 0}, count, taken, tick, place);
    replay_targets(Cpu{}, shape, {place.data(), 65, 16}, target);
    benchmark::ClobberMemory();
    ++tick[0];
  }
  state.SetItemsProcessed(state.iterations() * 16 * 65);
}
BENCHMARK(replay_batch_cpu)->Arg(16)->Arg(4096);
