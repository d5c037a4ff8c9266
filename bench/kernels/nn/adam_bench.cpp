#include <benchmark/benchmark.h>

#include <kernels/nn/adam.hpp>

namespace {

// One clipped step of `range` parameters: 32 bytes each (the gradient twice, three arrays read and
// written).
void adam_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  loom::Exec const exec = loom::Cpu{};
  loom::Adam adam(exec, n, {.max_norm = 0.5F});
  std::vector<float> parameters(n), rate{1e-3F};
  std::vector<float> const gradient(n, 0.1F);
  for (auto _ : state) adam.step(exec, parameters, gradient, rate);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 32);
}
BENCHMARK(adam_cpu)->Arg(1 << 14)->Arg(1 << 20);

}  // namespace
