#include <benchmark/benchmark.h>

#include <kernels/nn/log_mean_exp.hpp>
#include <vector>

// Floor: 4 bytes and two exponentials a number.
static void log_mean_exp_cpu(benchmark::State& state) {
  int const rows = 1024, cols = static_cast<int>(state.range(0));
  std::vector<float> x(loom::elements(rows, cols), -30.F), log_mean(rows), mean(rows);
  for (auto _ : state) {
    loom::log_mean_exp(loom::Cpu{}, {x.data(), rows, cols}, log_mean, mean);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * cols);
}
BENCHMARK(log_mean_exp_cpu)->Arg(64)->Arg(1024);
