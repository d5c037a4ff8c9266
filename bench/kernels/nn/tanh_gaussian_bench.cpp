#include <benchmark/benchmark.h>

#include <kernels/nn/tanh_gaussian.hpp>
#include <vector>

namespace {

// Draw, squash and log-density of 4096 rows; range: dimensions.
void tanh_gaussian_sample_cpu(benchmark::State& state) {
  int const rows = 4096, dims = static_cast<int>(state.range(0));
  std::vector<float> const mean(static_cast<std::size_t>(rows * dims), 0.1F);
  std::vector<float> action(mean.size()), pre_tanh(mean.size()), log_prob(4096);
  std::vector<std::uint32_t> const stream(4096, 1), tick{0};
  loom::InRows<float> const in{mean.data(), rows, dims};
  for (auto _ : state)
    loom::tanh_gaussian_sample(loom::Cpu{}, in, in, {1, stream, tick}, {action.data(), rows, dims},
                               {pre_tanh.data(), rows, dims}, log_prob);
  state.SetItemsProcessed(state.iterations() * rows * dims);
}
BENCHMARK(tanh_gaussian_sample_cpu)->Arg(1)->Arg(6);

}  // namespace
