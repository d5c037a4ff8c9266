#include <benchmark/benchmark.h>

#include <kernels/nn/gaussian_latent.hpp>
#include <numeric>
#include <vector>

namespace loom {
namespace {

// 2500 rows of Dreamer version 1's 30 numbers. Floors: 12 bytes a number to draw, 40 for the divergence and
// its gradients.
void gaussian_latent_cpu(benchmark::State& state) {
  constexpr int kRows = 2500, kDims = 30;
  std::vector<float> const mean(kRows * kDims, 0.2F), log_std(mean.size(), -0.5F),
      weights(kRows, 1.F);
  std::vector<float> z(mean.size()), kl(kRows), dm1(mean.size()), dl1(mean.size()),
      dm2(mean.size()), dl2(mean.size());
  std::vector<std::uint32_t> stream(kRows), tick(1);
  std::iota(stream.begin(), stream.end(), 0U);
  auto const out = [](std::vector<float>& x) { return OutRows<float>(x.data(), kRows, kDims); };
  GaussianRows const q{{mean.data(), kRows, kDims}, {log_std.data(), kRows, kDims}};
  for (auto _ : state) {
    gaussian_latent_sample(Cpu{}, q, {1, stream, tick}, out(z));
    gaussian_latent_kl(Cpu{}, q, q, kl);
    gaussian_latent_kl_backward(Cpu{}, q, q, {weights, weights}, {out(dm1), out(dl1)},
                                {out(dm2), out(dl2)});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * kDims);
  state.SetBytesProcessed(state.iterations() * kRows * kDims * 52);
}
BENCHMARK(gaussian_latent_cpu);

}  // namespace
}  // namespace loom
