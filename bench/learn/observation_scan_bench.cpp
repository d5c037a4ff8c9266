// Following recorded sequences on one core, by the one kernel and layer by layer, in one run.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <bench/kernels/dream/random_layers.hpp>
#include <learn/dreamer/observation_scan.hpp>
#include <learn/dreamer/world_shape.hpp>
#include <numeric>

namespace {
using namespace loom;

void observation_scan(benchmark::State& state, RssmShape shape, int sequences, int steps,
                      bool fused) {
  shape.fused = fused;
  Exec const exec = Cpu{};
  WorldShape world;
  world.rssm = shape;
  Parameters parameters(exec, world_parameters(world));
  initialise_world(exec, world, 1, parameters);
  int const rows = sequences * steps;
  ObservationScan scan(exec, shape, sequences, steps, parameters);
  auto const numbers = [&](int n, int cols, std::uint32_t stream) {
    return cut_normals(elements(n, cols), 4, 1, 2, stream);
  };
  auto const start = numbers(sequences, shape.feature(), 0),
             action = numbers(rows, shape.actions, 1), tokens = numbers(rows, shape.tokens, 2);
  std::vector<float> const first(elements(rows, 1));
  std::vector<std::uint32_t> streams(elements(rows, 1)), tick{1};
  std::iota(streams.begin(), streams.end(), 0U);
  ObservationScan::Inputs const in{{start.data(), sequences, shape.feature()},
                                   {action.data(), rows, shape.actions},
                                   first,
                                   {tokens.data(), rows, shape.tokens},
                                   {1, streams, tick}};
  double best = 1e9;
  for (auto _ : state) {
    double const begin = bench::seconds();
    scan.forward(exec, in);
    best = std::min(best, bench::seconds() - begin);
  }
  state.counters["steps/s"] = rows / best;
}

RssmShape tiny() {
  auto s = bench::tiny<RssmShape>();
  s.prior_layers = 1;
  return s;
}

BENCHMARK_CAPTURE(observation_scan, tiny, tiny(), 8, 32, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(observation_scan, tiny_layers, tiny(), 8, 32, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(observation_scan, size_1M, bench::size_1m<RssmShape>(), 16, 64, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(observation_scan, size_1M_layers, bench::size_1m<RssmShape>(), 16, 64, false)
    ->Unit(benchmark::kMillisecond);

}  // namespace
