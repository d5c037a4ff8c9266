#include <benchmark/benchmark.h>

#include <kernels/dream/horizon.hpp>
#include <vector>

// Floor: 12 bytes and an exponential a step.
static void horizon_cpu(benchmark::State& state) {
  int const steps = 15, n = static_cast<int>(state.range(0));
  std::vector<float> logit(static_cast<std::size_t>((steps + 1) * n), 3.F),
      discount(static_cast<std::size_t>(steps * n)), weight(discount.size());
  for (auto _ : state) {
    loom::horizon(loom::Cpu{}, steps, loom::RewardTiming::arrival, 1.F, logit, {}, discount,
                  weight);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * steps * n * 12);
}
BENCHMARK(horizon_cpu)->Arg(1024)->Arg(16384);

// Floor: 12 bytes and an exponential a step.
static void horizon_backward_cpu(benchmark::State& state) {
  int const steps = 15, n = static_cast<int>(state.range(0));
  std::vector<float> logit(static_cast<std::size_t>((steps + 1) * n), 3.F), dlogit(logit.size()),
      ddiscount(static_cast<std::size_t>(steps * n), 1.F);
  for (auto _ : state) {
    loom::horizon_backward(loom::Cpu{}, steps, loom::RewardTiming::departure, 1.F, logit, {},
                           ddiscount, dlogit);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * steps * n * 12);
}
BENCHMARK(horizon_backward_cpu)->Arg(1024)->Arg(16384);
