#include <benchmark/benchmark.h>

#include <kernels/nn/deviation.hpp>
#include <vector>

// Floor: 8 bytes, an exponential and two logarithms a number.
static void deviation_cpu(benchmark::State& state) {
  int const rows = 1024, cols = static_cast<int>(state.range(0));
  std::vector<float> raw(static_cast<std::size_t>(rows * cols), 0.3F), log_std(raw.size());
  for (auto _ : state) {
    loom::deviation(loom::Cpu{}, 0.1F, {raw.data(), rows, cols}, {log_std.data(), rows, cols});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * cols);
}
BENCHMARK(deviation_cpu)->Arg(30)->Arg(256);
