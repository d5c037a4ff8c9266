#include <benchmark/benchmark.h>

#include <kernels/nn/categorical_latent.hpp>
#include <numeric>
#include <vector>

namespace loom {
namespace {

// 1024 rows of 32 latents. Floor: one exponential a class to draw; four exponentials and two logarithms
// a class for the divergence and its gradients.
struct Latents {
  LatentShape shape;
  int width = shape.groups * shape.classes;
  std::vector<float> logits = std::vector<float>(1024 * static_cast<std::size_t>(width), 0.3F);
  InRows<float> rows() const { return {logits.data(), 1024, width}; }
};

void count(benchmark::State& state, Latents const& x) {
  state.SetItemsProcessed(state.iterations() * 1024 * x.width);
}

void latent_sample_cpu(benchmark::State& state) {
  Latents const x{{32, static_cast<int>(state.range(0)), 0.01F}};
  std::vector<std::uint32_t> stream(1024), tick(1);
  std::iota(stream.begin(), stream.end(), 0U);
  std::vector<std::int32_t> index(32 * 1024);
  for (auto _ : state) {
    latent_sample(Cpu{}, x.shape, x.rows(), {1, stream, tick}, index, {});
    benchmark::ClobberMemory();
  }
  count(state, x);
}
BENCHMARK(latent_sample_cpu)->Arg(4)->Arg(32);

void latent_kl_cpu(benchmark::State& state) {
  Latents const x{{32, static_cast<int>(state.range(0)), 0.01F}};
  std::vector<float> kl(1024), dq(x.logits.size()), dp(x.logits.size()), weights(1024, 1.F);
  for (auto _ : state) {
    latent_kl(Cpu{}, x.shape, x.rows(), x.rows(), kl);
    latent_kl_backward(Cpu{}, x.shape, x.rows(), x.rows(), {weights, weights},
                       {dq.data(), 1024, x.width}, {dp.data(), 1024, x.width});
    benchmark::ClobberMemory();
  }
  count(state, x);
}
BENCHMARK(latent_kl_cpu)->Arg(4)->Arg(32);

}  // namespace
}  // namespace loom
