// Imagination as one kernel on one core. Floor: the multiply-adds of all layers at the measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <kernels/dream/rollout.hpp>
#include <numeric>
#include <random>

using namespace loom;

namespace {

DreamShape version_1() {
  DreamShape s;
  s.core = RssmCore::reset_after;
  s.deter = 200, s.units = 200;
  s.latents.kind = LatentsShape::Kind::gaussian;
  s.actions = 6;
  s.policy.kind = DreamPolicy::tanh_normal;
  s.actor_layers = 4, s.prior_layers = 1;
  s.activation = Activation::elu;
  s.bounded_actions = false;
  return s;
}
DreamShape size_1m() {
  DreamShape s;
  s.actions = 6;
  return s;
}
DreamShape tiny() {
  DreamShape s;
  s.deter = 128, s.blocks = 4;
  s.latents.groups = s.latents.classes = 8;
  s.actor_layers = 2, s.prior_layers = 1;
  s.policy.kind = DreamPolicy::bounded_normal;
  return s;
}

void dream_rollout_cpu(benchmark::State& state, DreamShape const& shape, int rows, int horizon) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> memory;
  std::vector<JointSource> sources;
  auto const numbers = [&](int n, float mean, float deviation) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& v : x) v = mean + deviation * normal(random);
    memory.push_back(std::move(x));
    return memory.back().data();
  };
  double flop = 0;
  for (JointShape const& l : shape.layers()) {
    float const* const w =
        numbers(l.sums() * l.width(), 0, 1 / std::sqrt(static_cast<float>(l.width())));
    float const* const b = numbers(l.sums(), 0, 0.1F);
    sources.push_back({w, b, numbers(l.sums(), 1, 0), numbers(l.sums(), 0, 0)});
    flop += 2.0 * l.sums() * l.width() * rows * horizon;
  }
  PackedDream packed(Cpu{}, shape);
  packed.pack(Cpu{}, sources);
  int const f = shape.feature();
  float const* const start = numbers(rows * f, 0, 0.5F);
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
BENCHMARK_CAPTURE(dream_rollout_cpu, size_1M, size_1m(), 1024, 15)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dream_rollout_cpu, tiny, tiny(), 512, 15)->Unit(benchmark::kMillisecond);
