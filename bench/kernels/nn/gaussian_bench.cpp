#include <benchmark/benchmark.h>

#include <kernels/nn/gaussian.hpp>
#include <vector>

namespace {

// Draw and log-density of 4096 rows; range: dimensions.
void gaussian_sample_cpu(benchmark::State& state) {
  int const rows = 4096, dims = static_cast<int>(state.range(0));
  std::vector<float> const mean(static_cast<std::size_t>(rows * dims), 0.1F),
      log_std(static_cast<std::size_t>(dims));
  std::vector<float> action(mean.size()), log_prob(4096);
  std::vector<std::uint32_t> const stream(4096, 1), tick{0};
  for (auto _ : state)
    loom::gaussian_sample(loom::Cpu{}, {mean.data(), rows, dims}, log_std, {1, stream, tick},
                          {action.data(), rows, dims}, log_prob);
  state.SetItemsProcessed(state.iterations() * rows * dims);
}
BENCHMARK(gaussian_sample_cpu)->Arg(1)->Arg(6);

}  // namespace
