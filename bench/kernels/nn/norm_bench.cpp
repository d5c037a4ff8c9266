#include <benchmark/benchmark.h>

#include <kernels/nn/norm.hpp>
#include <vector>

namespace loom {
namespace {

// Floor: x read twice, y written once.
void norm_cpu(benchmark::State& state, Norm kind) {
  int const rows = static_cast<int>(state.range(0)), n = static_cast<int>(state.range(1));
  std::vector<float> x(static_cast<std::size_t>(rows * n), 1.F), y(x.size());
  std::vector<float> gain(static_cast<std::size_t>(n), 1.F), bias(gain.size()),
      statistics(2 * static_cast<std::size_t>(rows));
  for (auto _ : state)
    norm(Cpu{}, kind, 1e-5F, InRows<float>(x.data(), rows, n), gain, bias,
         OutRows<float>(y.data(), rows, n), statistics);
  state.SetBytesProcessed(state.iterations() * rows * n * 12);
}
BENCHMARK_CAPTURE(norm_cpu, layer, Norm::layer)->Args({1024, 64})->Args({1024, 512});
// The second: channels of 512 pictures of 32 x 32 pixels.
BENCHMARK_CAPTURE(norm_cpu, rms, Norm::rms)->Args({1024, 512})->Args({1 << 19, 8});

}  // namespace
}  // namespace loom
