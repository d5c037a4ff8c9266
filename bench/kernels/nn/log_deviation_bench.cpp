#include <benchmark/benchmark.h>

#include <kernels/nn/log_deviation.hpp>
#include <vector>

// Floor: 8 bytes a number forwards, 12 backwards.
static void log_deviation_cpu(benchmark::State& state) {
  int const rows = 1024, cols = static_cast<int>(state.range(0));
  loom::LogDeviation const how{0.5F, -4.F, 15.F};
  std::vector<float> raw(static_cast<std::size_t>(rows * cols), 0.3F), log_std(raw.size());
  loom::OutRows<float> const in(raw.data(), rows, cols), out(log_std.data(), rows, cols);
  for (auto _ : state) {
    loom::log_deviation(loom::Cpu{}, how, in, out);
    loom::log_deviation_backward(loom::Cpu{}, how, in, out, out);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * cols * 20);
}
BENCHMARK(log_deviation_cpu)->Arg(30)->Arg(256);
