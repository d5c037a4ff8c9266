#include <benchmark/benchmark.h>

#include <kernels/nn/schedule.hpp>
#include <vector>

static void linear_schedule_cpu(benchmark::State& state) {
  std::vector<std::uint32_t> count(1);
  std::vector<float> rate(1);
  for (auto _ : state) loom::linear_schedule(loom::Cpu{}, 1.F, 1e9F, count, rate);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(linear_schedule_cpu);
