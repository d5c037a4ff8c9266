#include <benchmark/benchmark.h>

#include <kernels/core/fma_chains.hpp>
#include <vector>

namespace loom {
namespace {

// Items are floating-point operations: this is the machine's peak.
void fma_chains_cpu(benchmark::State& state) {
  constexpr int kTurns = 10000;
  std::vector<float> sums(64);
  for (auto _ : state) fma_chains(Cpu{}, kTurns, sums);
  state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<double>(state.iterations()) *
                                                    fma_chains_flops(64, kTurns)));
}
BENCHMARK(fma_chains_cpu);

}  // namespace
}  // namespace loom
