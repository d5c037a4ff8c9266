#include <benchmark/benchmark.h>

#include <kernels/nn/likelihood.hpp>
#include <vector>

namespace loom {
namespace {

// Loss and gradient of 64 images of 64 x 64 x 3: 20 bytes a number.
void likelihood_cpu(benchmark::State& state, Likelihood kind) {
  constexpr int kRows = 64, kNumbers = 64 * 64 * 3;
  std::vector<float> const x(kRows * kNumbers, 0.3F), t(x.size(), 0.6F), dloss(kRows, 1.F);
  std::vector<float> loss(kRows), dx(x.size());
  InRows<float> const in(x.data(), kRows, kNumbers), target(t.data(), kRows, kNumbers);
  for (auto _ : state) {
    likelihood_loss(Cpu{}, kind, in, target, loss);
    likelihood_backward(Cpu{}, kind, in, target, dloss, {dx.data(), kRows, kNumbers});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kRows * kNumbers * 20);
}
BENCHMARK_CAPTURE(likelihood_cpu, squared, Likelihood::squared);
BENCHMARK_CAPTURE(likelihood_cpu, sigmoid_squared, Likelihood::sigmoid_squared);
BENCHMARK_CAPTURE(likelihood_cpu, bernoulli, Likelihood::bernoulli);

}  // namespace
}  // namespace loom
