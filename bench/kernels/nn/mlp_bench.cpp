#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <kernels/nn/mlp.hpp>
#include <random>

using namespace loom;

namespace {

// Best of all runs (the clock of a thread's CPU time is too coarse here and can be beaten by luck).
// GFLOP/s of the matrix products alone (activations count as nothing) and the fraction of the FMA
// peak, measured between the repetitions of the loop.
void mlp(benchmark::State& state, std::vector<int> const& sizes, Activation hidden) {
  int const rows = 4096;
  MlpShape const shape{sizes, hidden};
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> parameters(static_cast<std::size_t>(shape.parameters()));
  for (float& p : parameters) p = 0.2F * normal(random);
  std::vector<float> x(static_cast<std::size_t>(rows) * shape.inputs());
  for (float& v : x) v = normal(random);
  std::vector<float> y(static_cast<std::size_t>(rows) * shape.outputs());
  PackedMlp net(Cpu{}, shape);
  net.pack(parameters);
  double flop = 0;
  for (int l = 0; l < shape.depth(); ++l) flop += 2.0 * rows * sizes[l] * sizes[l + 1];
  double peak = bench::fma_peak(), best = 1e9;
  for (auto _ : state) {
    double const start = bench::seconds();
    mlp_forward(Cpu{}, net.view(), {x.data(), rows, shape.inputs()},
                {y.data(), rows, shape.outputs()});
    best = std::min(best, bench::seconds() - start);
  }
  peak = std::max(peak, bench::fma_peak());
  state.counters["GFLOP/s"] = flop / best * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["fraction"] = flop / best / peak;
  state.counters["rows/s"] = rows / best;
}

}  // namespace

BENCHMARK_CAPTURE(mlp, tanh_17_64_64_6, {17, 64, 64, 6}, Activation::tanh)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp, relu_17_64_64_6, {17, 64, 64, 6}, Activation::relu)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp, silu_17_64_64_6, {17, 64, 64, 6}, Activation::silu)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp, tanh_32_256_256_16, {32, 256, 256, 16}, Activation::tanh)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mlp, relu_32_256_256_16, {32, 256, 256, 16}, Activation::relu)
    ->Unit(benchmark::kMillisecond);
