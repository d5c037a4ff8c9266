#include <benchmark/benchmark.h>

#include <kernels/dream/lambda_return.hpp>
#include <vector>

namespace {

// 15 steps of `range` trajectories: 16 bytes a trajectory and step.
void lambda_return_cpu(benchmark::State& state) {
  int const steps = 15;
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> const numbers(n * steps, 0.1F), value(n * (steps + 1), 0.5F);
  std::vector<float> returns(numbers.size());
  for (auto _ : state) {
    loom::lambda_return(loom::Cpu{}, steps, 0.95F, {numbers, numbers, value}, returns);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * steps * 16);
  state.SetItemsProcessed(state.iterations() * state.range(0) * steps);
}
BENCHMARK(lambda_return_cpu)->Arg(1024)->Arg(65536);

}  // namespace
