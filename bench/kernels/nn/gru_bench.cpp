#include <benchmark/benchmark.h>

#include <kernels/nn/gru.hpp>
#include <vector>

namespace loom {
namespace {

// Dreamer's sizes: 1024 rows of version 3's smallest (8 blocks of 64 units) and of version 2's 600.
// Floor: 20 bytes a unit forward, 36 backward.
void gru_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), blocks = static_cast<int>(state.range(1)),
            units = static_cast<int>(state.range(2));
  auto const n = static_cast<std::size_t>(rows * units);
  std::vector<float> sums(3 * n, 0.3F), hidden(n, 0.1F), next(n), dnext(n, 1.F), dsums(3 * n),
      dhidden(n);
  GruShape const shape{blocks, -1.F};
  OutRows<float> const a(sums.data(), rows, 3 * units), h(hidden.data(), rows, units);
  for (auto _ : state) {
    gru(Cpu{}, shape, a, h, OutRows<float>(next.data(), rows, units));
    gru_backward(Cpu{}, shape, a, h, InRows<float>(dnext.data(), rows, units),
                 OutRows<float>(dsums.data(), rows, 3 * units),
                 OutRows<float>(dhidden.data(), rows, units));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(n) * 56);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}
BENCHMARK(gru_cpu)->Args({1024, 8, 512})->Args({1024, 1, 600});

}  // namespace
}  // namespace loom
