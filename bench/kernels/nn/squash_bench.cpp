#include <benchmark/benchmark.h>

#include <kernels/nn/squash.hpp>
#include <vector>

// Floor: 8 bytes and a tanh a number.
static void squash_cpu(benchmark::State& state) {
  int const rows = 1000, cols = static_cast<int>(state.range(0));
  std::vector<float> x(loom::elements(rows, cols), 0.3F), y(x.size());
  for (auto _ : state) {
    loom::squash(loom::Cpu{}, loom::Squash::tanh, 1.F, {x.data(), rows, cols},
                 {y.data(), rows, cols});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * cols);
}
BENCHMARK(squash_cpu)->Arg(7)->Arg(256);
