#include <benchmark/benchmark.h>

#include <kernels/nn/gae.hpp>
#include <vector>

namespace {

// 128 steps of `range` instances: 22 bytes an instance and step.
void gae_cpu(benchmark::State& state) {
  int const steps = 128;
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> const numbers(n * steps, 0.1F), next_value(n);
  std::vector<std::uint8_t> const flags(n * steps);
  std::vector<float> advantage(numbers.size()), returns(numbers.size());
  for (auto _ : state)
    loom::gae(loom::Cpu{}, steps, {numbers, numbers, flags, flags, next_value, numbers, {}}, {},
              advantage, returns);
  state.SetBytesProcessed(state.iterations() * state.range(0) * steps * 22);
  state.SetItemsProcessed(state.iterations() * state.range(0) * steps);
}
BENCHMARK(gae_cpu)->Arg(64)->Arg(4096);

}  // namespace
