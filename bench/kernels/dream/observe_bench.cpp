// Recorded sequences as one kernel on one core. Floor: the multiply-adds of all layers at the measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <bench/kernels/dream/random_layers.hpp>
#include <kernels/dream/observe.hpp>
#include <numeric>

using namespace loom;

namespace {

void dream_observe_cpu(benchmark::State& state, ObserveShape const& shape, int sequences, int steps,
                       bool keeps) {
  bench::RandomLayers layers(shape.layers());
  PackedObserve packed(Cpu{}, shape);
  packed.pack(Cpu{}, layers.sources);
  int const rows = sequences * steps, f = shape.feature();
  auto const matrix = [&](int n, int cols) {
    return InRows<float>(layers.numbers(n * cols, 0, 0.5F), n, cols);
  };
  ObserveInput in{
      matrix(sequences, f), matrix(rows, shape.actions), {}, matrix(rows, shape.units), {}};
  std::vector<float> const first(elements(rows, 1));
  std::vector<float> feature(elements(rows, f));
  std::vector<std::uint32_t> streams(elements(rows, 1)), tick{1};
  std::iota(streams.begin(), streams.end(), 0U);
  in.first = first;
  in.draws = {1, streams, tick};
  std::vector<KeptLayer> kept;
  for (JointShape const& l : shape.layers()) {
    auto const room = [&](int cols) { return layers.numbers(rows * cols, 0, 0); };
    kept.push_back({room(l.sums()), l.sums(), room(l.sums()), room(l.sums()), room(2)});
  }
  double peak = bench::fma_peak(), best = 1e9;
  for (auto _ : state) {
    double const begin = bench::seconds();
    dream_observe(Cpu{}, packed.view(), in,
                  {{feature.data(), rows, f}, keeps ? kept.data() : nullptr});
    best = std::min(best, bench::seconds() - begin);
  }
  peak = std::max(peak, bench::fma_peak());
  double const flop = 2 * layers.multiply_adds * rows;
  state.counters["GFLOP/s"] = flop / best * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["fraction"] = flop / best / peak;
  state.counters["steps/s"] = rows / best;
}

}  // namespace

BENCHMARK_CAPTURE(dream_observe_cpu, version_1, bench::version_1<ObserveShape>(), 50, 50, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_observe_cpu, size_1M, bench::size_1m<ObserveShape>(), 16, 64, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_observe_cpu, size_1M_keeps_nothing, bench::size_1m<ObserveShape>(), 16, 64,
                  false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_observe_cpu, tiny, bench::tiny<ObserveShape>(), 8, 32, true)
    ->Unit(benchmark::kMillisecond);
