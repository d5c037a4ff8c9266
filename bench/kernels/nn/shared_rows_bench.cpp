#include <benchmark/benchmark.h>

#include <kernels/nn/shared_rows.hpp>
#include <vector>

// 100 states, n rows each, 750 wide: a decoder's first layer. Floor: 8 bytes a number.
static void shared_rows_cpu(benchmark::State& state) {
  int const states = 100, n = static_cast<int>(state.range(0)), cols = 750;
  std::vector<float> x(loom::elements(states * n, cols), 0.3F),
      shared(loom::elements(states, cols), 0.1F);
  loom::OutRows<float> const rows(x.data(), states * n, cols);
  for (auto _ : state) {
    loom::add_shared_rows(loom::Cpu{}, loom::Activation::relu, rows, {shared.data(), states, cols},
                          rows);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * states * n * cols * 8);
}
BENCHMARK(shared_rows_cpu)->Arg(1)->Arg(10);
