#include <benchmark/benchmark.h>

#include <kernels/nn/two_hot.hpp>
#include <vector>

namespace loom {
namespace {

// Loss and gradient of `range` rows of 255 bins: three exponentials and four divisions a bin; 12 bytes.
void two_hot_cpu(benchmark::State& state) {
  constexpr int kBins = 255;
  int const rows = static_cast<int>(state.range(0));
  auto const n = static_cast<std::size_t>(rows);
  std::vector<float> const bins = two_hot_bins(kBins), logits(n * kBins, 0.1F), target(n, 3.F),
                           dloss(n, 1.F);
  std::vector<float> loss(n), normaliser(n), dlogits(n * kBins);
  InRows<float> const in(logits.data(), rows, kBins);
  for (auto _ : state) {
    two_hot_loss(Cpu{}, bins, in, target, loss, normaliser);
    two_hot_backward(Cpu{}, bins, in, target, normaliser, dloss,
                     OutRows<float>(dlogits.data(), rows, kBins));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.SetBytesProcessed(state.iterations() * rows * kBins * 12);
}
BENCHMARK(two_hot_cpu)->Arg(1024);

void two_hot_mean_cpu(benchmark::State& state) {
  constexpr int kBins = 255;
  int const rows = static_cast<int>(state.range(0));
  std::vector<float> const bins = two_hot_bins(kBins),
                           logits(static_cast<std::size_t>(rows) * kBins, 0.1F);
  std::vector<float> mean(static_cast<std::size_t>(rows));
  for (auto _ : state) {
    two_hot_mean(Cpu{}, bins, InRows<float>(logits.data(), rows, kBins), mean);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(two_hot_mean_cpu)->Arg(1024);

// The mean's sums again, then an exponential and a division a bin.
void two_hot_mean_backward_cpu(benchmark::State& state) {
  constexpr int kBins = 255;
  int const rows = static_cast<int>(state.range(0));
  auto const n = static_cast<std::size_t>(rows);
  std::vector<float> const bins = two_hot_bins(kBins), logits(n * kBins, 0.1F), dmean(n, 1.F);
  std::vector<float> dlogits(n * kBins);
  for (auto _ : state) {
    two_hot_mean_backward(Cpu{}, bins, InRows<float>(logits.data(), rows, kBins), dmean,
                          OutRows<float>(dlogits.data(), rows, kBins));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(two_hot_mean_backward_cpu)->Arg(1024);

}  // namespace
}  // namespace loom
