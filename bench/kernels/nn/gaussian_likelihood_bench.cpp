#include <benchmark/benchmark.h>

#include <kernels/nn/gaussian_likelihood.hpp>
#include <vector>

// Floor: 16 bytes a row.
static void gaussian_likelihood_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> q(n, 2.F), s(1, -1.F), loss(n), slope(n), ds(n);
  for (auto _ : state) {
    loom::gaussian_likelihood(loom::Cpu{}, 7, 0.1F, q, s, loss, slope, ds);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 16);
}
BENCHMARK(gaussian_likelihood_cpu)->Arg(256)->Arg(1 << 16);
