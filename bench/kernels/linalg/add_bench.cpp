#include <benchmark/benchmark.h>

#include <kernels/linalg/add.hpp>
#include <vector>

static void add_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> a(n, 1.F), b(n, 2.F);
  for (auto _ : state) loom::add(loom::Cpu{}, a, b, a);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 3 * std::int64_t{sizeof(float)});
}
BENCHMARK(add_cpu)->Range(1 << 10, 1 << 20);
