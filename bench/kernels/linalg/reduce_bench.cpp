#include <benchmark/benchmark.h>

#include <kernels/linalg/reduce.hpp>
#include <vector>

namespace loom {
namespace {

void sum_cpu(benchmark::State& state) {
  std::vector<float> x(static_cast<std::size_t>(state.range(0)), 1.F), y(1);
  std::vector<std::uint8_t> workspace(reduce_workspace(x.size()) + 16);
  for (auto _ : state) sum(Cpu{}, x, y, workspace);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 4);
}
BENCHMARK(sum_cpu)->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 22);

void mean_and_variance_cpu(benchmark::State& state) {
  std::vector<float> x(static_cast<std::size_t>(state.range(0)), 1.F), mean(1), variance(1);
  std::vector<std::uint8_t> workspace(reduce_workspace(x.size()));
  for (auto _ : state) mean_and_variance(Cpu{}, x, mean, variance, workspace);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 4);
}
BENCHMARK(mean_and_variance_cpu)->Arg(1 << 16)->Arg(1 << 20);

void column_mean_and_variance_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), cols = static_cast<int>(state.range(1));
  std::vector<float> x(static_cast<std::size_t>(rows * cols), 1.F);
  std::vector<float> mean(static_cast<std::size_t>(cols)), variance(mean.size());
  std::vector<std::uint8_t> workspace(column_reduce_workspace(rows, cols));
  for (auto _ : state)
    column_mean_and_variance(Cpu{}, InRows<float>(x.data(), rows, cols), mean, variance, workspace);
  state.SetBytesProcessed(state.iterations() * rows * cols * 4);
}
BENCHMARK(column_mean_and_variance_cpu)
    ->Args({2048, 4})
    ->Args({65536, 4})
    ->Args({2048, 64})
    ->Args({65536, 17});

}  // namespace
}  // namespace loom
