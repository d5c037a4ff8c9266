#include <benchmark/benchmark.h>

#include <kernels/nn/permutation.hpp>
#include <vector>

namespace {

// Just above and at a power of two: the longest and the shortest walk.
void permutation_cpu(benchmark::State& state) {
  std::vector<std::uint32_t> const epoch{1};
  std::vector<std::int32_t> index(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) loom::permutation(loom::Cpu{}, 1, epoch, index);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(permutation_cpu)->Arg(1 << 15)->Arg((1 << 15) + 1);

}  // namespace
