#include <benchmark/benchmark.h>

#include <kernels/linalg/scatter.hpp>
#include <vector>

// 1024 latent states of 640 numbers into a replay. Floor: 8 bytes a number.
static void scatter_rows_cpu(benchmark::State& state) {
  int const rows = 1024, cols = static_cast<int>(state.range(0)), places = 1 << 14;
  std::vector<float> from(static_cast<std::size_t>(rows * cols), 1.F),
      to(static_cast<std::size_t>(places * cols));
  std::vector<std::int32_t> index;
  for (int r = 0; r < rows; ++r) index.push_back(r * 7919 % places);
  for (auto _ : state) {
    loom::scatter_rows(loom::Cpu{}, {from.data(), rows, cols}, index, {to.data(), places, cols});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * cols * 8);
}
BENCHMARK(scatter_rows_cpu)->Arg(1)->Arg(640);
