#include <benchmark/benchmark.h>

#include <kernels/linalg/accumulate.hpp>
#include <vector>

// Floor: 12 bytes a number.
static void accumulate_cpu(benchmark::State& state) {
  int const rows = 1024, cols = static_cast<int>(state.range(0));
  std::vector<float> x(static_cast<std::size_t>(rows * cols), 1.F), y(x.size());
  for (auto _ : state) {
    loom::accumulate(loom::Cpu{}, {x.data(), rows, cols}, {y.data(), rows, cols});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * cols * 12);
}
BENCHMARK(accumulate_cpu)->Arg(64)->Arg(640);
