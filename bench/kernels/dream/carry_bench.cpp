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

// Floor: 12 bytes a number; 1024 states' actions of six numbers.
static void carry_action_backward_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), cols = 6;
  auto const n = static_cast<std::size_t>(rows * cols);
  std::vector<float> from(n, 2.F), dto(n, 1.F), dfrom(n), first(static_cast<std::size_t>(rows));
  for (auto _ : state) {
    loom::carry_action_backward(loom::Cpu{}, first, {from.data(), rows, cols},
                                {dto.data(), rows, cols}, {dfrom.data(), rows, cols});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * cols * 12);
}
BENCHMARK(carry_action_backward_cpu)->Arg(1024);
