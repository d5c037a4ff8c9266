#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <kernels/nn/mlp_training.hpp>
#include <random>

using namespace loom;

namespace {

// Forward and backward to the parameters; GFLOP/s of the matrix products alone against the FMA peak
// measured around the loop.
void mlp_training(benchmark::State& state, std::vector<int> const& sizes, int rows) {
  MlpShape const shape{sizes};
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  auto const draw = [&](std::size_t n, float scale) {
    std::vector<float> v(n);
    for (float& x : v) x = scale * normal(random);
    return v;
  };
  auto const parameters = draw(static_cast<std::size_t>(shape.parameters()), 0.2F);
  auto const x = draw(static_cast<std::size_t>(rows) * shape.inputs(), 1);
  auto const dy = draw(static_cast<std::size_t>(rows) * shape.outputs(), 1);
  std::vector<float> y(dy.size()), gradient(parameters.size());
  MlpTraining net(Cpu{}, shape, rows);
  double flop = 0;
  for (int l = 0; l < shape.depth(); ++l)
    flop += 2.0 * rows * sizes[l] * sizes[l + 1] * (l == 0 ? 2 : 3);
  double peak = bench::fma_peak(), best = 1e9;
  InRows<float> const in{x.data(), rows, shape.inputs()};
  for (auto _ : state) {
    double const start = bench::seconds();
    net.forward(parameters, in, {y.data(), rows, shape.outputs()});
    net.backward(parameters, in, {dy.data(), rows, shape.outputs()}, gradient);
    best = std::min(best, bench::seconds() - start);
  }
  peak = std::max(peak, bench::fma_peak());
  state.counters["us"] = best * 1e6;
  state.counters["GFLOP/s"] = flop / best * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["fraction"] = flop / best / peak;
}

}  // namespace

BENCHMARK_CAPTURE(mlp_training, 17_64_64_6_rows_4096, {17, 64, 64, 6}, 4096)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp_training, 4_64_64_2_rows_64, {4, 64, 64, 2}, 64)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(mlp_training, 4_64_64_2_rows_2048, {4, 64, 64, 2}, 2048)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp_training, 32_256_256_16_rows_4096, {32, 256, 256, 16}, 4096)
    ->Unit(benchmark::kMillisecond);
