#include <benchmark/benchmark.h>

#include <kernels/linalg/affine.hpp>
#include <vector>

// Floor: 8 bytes a number.
static void affine_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> x(n, 1.F), y(n);
  for (auto _ : state) {
    loom::affine(loom::Cpu{}, 2.F, 1.F, x, y);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 2 * std::int64_t{sizeof(float)});
}
BENCHMARK(affine_cpu)->Range(1 << 10, 1 << 20);
