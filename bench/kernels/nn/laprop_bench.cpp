#include <benchmark/benchmark.h>

#include <kernels/nn/laprop.hpp>
#include <vector>

namespace loom {
namespace {

// One million parameters in 20 tensors. Floor: 8 bytes a parameter for the norms and 28 for the update.
void laprop_cpu(benchmark::State& state) {
  std::vector<std::size_t> const tensors(20, static_cast<std::size_t>(state.range(0)) / 20);
  std::size_t const n = tensors.size() * tensors[0];
  LaProp laprop(Cpu{}, tensors, {});
  std::vector<float> parameters(n, 0.1F);
  std::vector<float> const gradient(n, 0.01F), rate{1e-4F};
  for (auto _ : state) laprop.step(Cpu{}, parameters, gradient, rate);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(n) * 36);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}
BENCHMARK(laprop_cpu)->Arg(1000000);

}  // namespace
}  // namespace loom
