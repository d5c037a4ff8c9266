#include <benchmark/benchmark.h>

#include <kernels/dream/free_bits.hpp>
#include <vector>

// Floor: 16 bytes a row.
static void free_bits_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> kl(n, 1.5F), representation(n), dynamics(n), loss(2);
  for (auto _ : state) {
    loom::free_bits(loom::Cpu{}, {}, kl, representation, dynamics, loss);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 16);
}
BENCHMARK(free_bits_cpu)->Arg(1024)->Arg(1 << 16);
