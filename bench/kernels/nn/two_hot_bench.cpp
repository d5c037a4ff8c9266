#include <benchmark/benchmark.h>

#include <kernels/nn/two_hot.hpp>
#include <vector>

namespace loom {
namespace {

// Rows and bins: those of the paper, and of the recipes made for two cores.
void sizes(benchmark::internal::Benchmark* b) { b->Args({1024, 255})->Args({8192, 33}); }

// Loss and gradient: three exponentials and four divisions a bin; 12 bytes.
void two_hot_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), count = static_cast<int>(state.range(1));
  auto const n = static_cast<std::size_t>(rows);
  std::vector<float> const bins = two_hot_bins(count), logits(elements(rows, count), 0.1F),
                           target(n, 3.F), dloss(n, 1.F);
  std::vector<float> loss(n), normaliser(n), dlogits(elements(rows, count));
  InRows<float> const in(logits.data(), rows, count);
  for (auto _ : state) {
    two_hot_loss(Cpu{}, bins, in, target, loss, normaliser);
    two_hot_backward(Cpu{}, bins, in, target, normaliser, dloss,
                     OutRows<float>(dlogits.data(), rows, count));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.SetBytesProcessed(state.iterations() * rows * count * 12);
}
BENCHMARK(two_hot_cpu)->Apply(sizes);

void two_hot_mean_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), count = static_cast<int>(state.range(1));
  std::vector<float> const bins = two_hot_bins(count), logits(elements(rows, count), 0.1F);
  std::vector<float> mean(static_cast<std::size_t>(rows));
  for (auto _ : state) {
    two_hot_mean(Cpu{}, bins, InRows<float>(logits.data(), rows, count), mean);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(two_hot_mean_cpu)->Apply(sizes);

// The mean's sums again, then an exponential and a division a bin.
void two_hot_mean_backward_cpu(benchmark::State& state) {
  int const rows = static_cast<int>(state.range(0)), count = static_cast<int>(state.range(1));
  auto const n = static_cast<std::size_t>(rows);
  std::vector<float> const bins = two_hot_bins(count), logits(elements(rows, count), 0.1F),
                           dmean(n, 1.F);
  std::vector<float> dlogits(elements(rows, count));
  for (auto _ : state) {
    two_hot_mean_backward(Cpu{}, bins, InRows<float>(logits.data(), rows, count), dmean,
                          OutRows<float>(dlogits.data(), rows, count));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(two_hot_mean_backward_cpu)->Apply(sizes);

}  // namespace
}  // namespace loom
