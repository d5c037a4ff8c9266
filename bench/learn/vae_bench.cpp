// Action sampling of BCQ's autoencoder on one core, and its update. Floor: the multiply-adds of all layers at the
// measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <learn/vae/vae.hpp>

namespace {
using namespace loom;

constexpr int kActions = 7, kStates = 19;

VaeConfig config(int units) {
  VaeConfig c = VaeConfig::sfujim_bcq(kActions, 1.F);
  c.encoder = c.decoder = {units, units};
  return c;
}

/// Multiply-adds of one row through a stack.
double multiply_adds(std::vector<LayerShape> const& layers) {
  double sum = 0;
  for (LayerShape const& l : layers) sum += static_cast<double>(l.width()) * l.outputs;
  return sum;
}

/// n actions of every state; `once`: what the first layer makes of a state is computed once, else n times.
void sample(benchmark::State& state, bool once) {
  int const states = static_cast<int>(state.range(0)), n = static_cast<int>(state.range(1)),
            units = static_cast<int>(state.range(2));
  Vae vae(Cpu{}, config(units), kActions, kStates, 1);
  int const rows = once ? states : states * n, each = once ? n : 1;
  std::vector<float> c(elements(rows, kStates), 0.1F), x(elements(states * n, kActions));
  for (auto _ : state) {
    vae.sample({c.data(), rows, kStates}, each, {x.data(), states * n, kActions});
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  double const samples = static_cast<double>(state.iterations()) * states * n;
  auto const layers = vae.shape().decoder_layers();
  double const shared = static_cast<double>(kStates) * layers[0].outputs;
  state.counters["rows/s"] = Counter(samples, Counter::kIsRate);
  state.counters["FLOP/s"] =
      Counter(2 * samples * (multiply_adds(layers) - shared + shared / each), Counter::kIsRate);
  state.counters["peak"] = bench::fma_peak();
}

void vae_sample(benchmark::State& state) { sample(state, true); }
void vae_sample_without_sharing(benchmark::State& state) { sample(state, false); }
// BCQ's training calls, and 4096 environments that act; units 750 as published, and smaller ones.
#define SIZES \
  Args({100, 10, 750})->Args({100, 10, 256})->Args({4096, 100, 64})->Unit(benchmark::kMillisecond)
BENCHMARK(vae_sample)->SIZES;
BENCHMARK(vae_sample_without_sharing)->SIZES;
#undef SIZES

void vae_update(benchmark::State& state) {
  VaeConfig const c = config(static_cast<int>(state.range(0)));
  Vae vae(Cpu{}, c, kActions, kStates, 1);
  std::vector<float> const x(elements(c.batch, kActions), 0.2F),
      states(elements(c.batch, kStates), 0.1F);
  for (auto _ : state) vae.update({x.data(), c.batch, kActions}, {states.data(), c.batch, kStates});
  using benchmark::Counter;
  auto const updates = static_cast<double>(state.iterations());
  double const work =
      multiply_adds(vae.shape().encoder_layers()) + multiply_adds(vae.shape().decoder_layers());
  state.counters["rows/s"] = Counter(updates * c.batch, Counter::kIsRate);
  state.counters["FLOP/s"] = Counter(6 * work * updates * c.batch, Counter::kIsRate);
  state.counters["peak"] = bench::fma_peak();
}
BENCHMARK(vae_update)->Arg(750)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
