#include <benchmark/benchmark.h>

#include <kernels/linalg/gather.hpp>
#include <random>
#include <vector>

namespace loom {
namespace {

// Bytes read and written, without the rest of the cache lines that a scattered read drags along.
void gather_tiles_cpu(benchmark::State& state) {
  int const fields = static_cast<int>(state.range(0)), instances = 4096, times = 32, rows = 8192;
  std::vector<float> from(static_cast<std::size_t>(instances * times * fields), 1.F);
  std::vector<float> to(static_cast<std::size_t>(rows * fields));
  std::vector<std::int32_t> index(static_cast<std::size_t>(rows));
  std::mt19937 engine(1);
  for (auto& i : index)
    i = static_cast<std::int32_t>(engine() % static_cast<unsigned>(instances * times));
  for (auto _ : state)
    gather_tiles(Cpu{}, In<float>(from), index, OutRows<float>(to.data(), rows, fields));
  state.SetBytesProcessed(state.iterations() * rows * (fields * 8 + 4));
}
BENCHMARK(gather_tiles_cpu)->Arg(1)->Arg(4)->Arg(17);

void gather_rows_cpu(benchmark::State& state) {
  int const cols = static_cast<int>(state.range(0)), n = 100000, rows = 8192;
  std::vector<float> from(static_cast<std::size_t>(n * cols), 1.F),
      to(static_cast<std::size_t>(rows * cols));
  std::vector<std::int32_t> index(static_cast<std::size_t>(rows));
  std::mt19937 engine(1);
  for (auto& i : index) i = static_cast<std::int32_t>(engine() % static_cast<unsigned>(n));
  for (auto _ : state)
    gather_rows(Cpu{}, InRows<float>(from.data(), n, cols), index,
                OutRows<float>(to.data(), rows, cols));
  state.SetBytesProcessed(state.iterations() * rows * (cols * 8 + 4));
}
BENCHMARK(gather_rows_cpu)->Arg(4)->Arg(17)->Arg(256);

}  // namespace
}  // namespace loom
