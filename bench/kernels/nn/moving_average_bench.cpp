#include <benchmark/benchmark.h>

#include <kernels/nn/moving_average.hpp>
#include <vector>

// Floor: 12 bytes a parameter.
static void moving_average_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> x(n, 1.F), average(n);
  for (auto _ : state) {
    loom::moving_average(loom::Cpu{}, 0.02F, x, average);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 12);
}
BENCHMARK(moving_average_cpu)->Range(1 << 12, 1 << 22);
