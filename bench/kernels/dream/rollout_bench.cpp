// Imagination as one kernel on one core. Floor: the multiply-adds of all layers at the measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <bench/kernels/dream/random_layers.hpp>
#include <kernels/dream/rollout.hpp>
#include <numeric>

using namespace loom;

namespace {

DreamShape version_1() {
  auto s = bench::version_1<DreamShape>();
  s.policy.kind = DreamPolicy::tanh_normal;
  s.actor_layers = 4, s.prior_layers = 1;
  s.bounded_actions = false;
  return s;
}
DreamShape tiny() {
  auto s = bench::tiny<DreamShape>();
  s.actor_layers = 2, s.prior_layers = 1;
  s.policy.kind = DreamPolicy::bounded_normal;
  return s;
}

void dream_rollout_cpu(benchmark::State& state, DreamShape const& shape, int rows, int horizon) {
  bench::RandomLayers layers(shape.layers());
  double const flop = 2 * layers.multiply_adds * rows * horizon;
  PackedDream packed(Cpu{}, shape);
  packed.pack(Cpu{}, layers.sources);
  int const f = shape.feature();
  float const* const start = layers.numbers(rows * f, 0, 0.5F);
  std::vector<float> feature(elements((horizon + 1) * rows, f)),
      action(elements(horizon * rows, shape.actions));
  std::vector<std::uint32_t> streams(elements(2 * horizon, rows)), tick{1};
  std::iota(streams.begin(), streams.end(), 0U);
  double peak = bench::fma_peak(), best = 1e9;
  for (auto _ : state) {
    double const begin = bench::seconds();
    dream_rollout(Cpu{}, packed.view(), {start, rows, f}, {1, streams, tick},
                  {{feature.data(), (horizon + 1) * rows, f},
                   {action.data(), horizon * rows, shape.actions},
                   {},
                   nullptr});
    best = std::min(best, bench::seconds() - begin);
  }
  peak = std::max(peak, bench::fma_peak());
  state.counters["GFLOP/s"] = flop / best * 1e-9;
  state.counters["peak"] = peak * 1e-9;
  state.counters["fraction"] = flop / best / peak;
  state.counters["imagined/s"] = rows * horizon / best;
}

}  // namespace

BENCHMARK_CAPTURE(dream_rollout_cpu, version_1, version_1(), 2500, 15)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_rollout_cpu, size_1M, bench::size_1m<DreamShape>(), 1024, 15)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_rollout_cpu, tiny, tiny(), 512, 15)->Unit(benchmark::kMillisecond);
