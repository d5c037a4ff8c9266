#include <benchmark/benchmark.h>

#include <kernels/dream/carry.hpp>
#include <vector>

// Floor: 8 bytes a number.
static void carry_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), cols = 512;
  auto const n = static_cast<std::size_t>(rows * cols);
  std::vector<float> from(n, 1.F), to(n), first(static_cast<std::size_t>(rows));
  for (auto _ : state) {
    loom::carry(loom::Cpu{}, first, {from.data(), rows, cols}, {to.data(), rows, cols});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * cols * 8);
}
BENCHMARK(carry_cpu)->Arg(16)->Arg(1024);
