// Whole updates of Dreamer on one core: model, imagination, actor, critic, optimisers. Floor: the
// multiply-adds of all layers at the measured peak.
#include <benchmark/benchmark.h>

#include <bench/ceilings.hpp>
#include <learn/dreamer/dreamer.hpp>

namespace {
using namespace loom;

/// Weights of all layers whose name begins with one of these.
double weights(std::vector<ParameterShape> const& shapes, std::vector<std::string> const& names) {
  double sum = 0;
  for (ParameterShape const& s : shapes)
    for (std::string const& name : names)
      if (s.name.starts_with(name + ".") && s.name.ends_with(".weight"))
        sum += static_cast<double>(s.size());
  return sum;
}

/// Multiply-adds of one update of version 3: forwards, and twice as many backwards where a layer learns.
double multiply_adds(BehaviourShape const& s, int starts) {
  auto const world = world_parameters(s.world);
  double const everything = weights(
      world, {"encoder", "recurrence", "prior", "posterior", "decoder", "reward", "continue"});
  double const dream = weights(world, {"recurrence", "prior"}),
               heads = weights(world, {"reward", "continue"}),
               actor = weights(actor_parameters(s), {"actor"}),
               critic = weights(critic_parameters(s), {"critic"});
  double const n = starts, steps = s.horizon;
  return n * (3 * everything + steps * (dream + 3 * actor) + (steps + 1) * heads +
              (steps + 2) * 4 * critic);
}

void updates(benchmark::State& state, Dreamer::Config config) {
  config.prefill = 0;
  config.capacity = 1 << 16;
  int const instances = 16;
  config.train_ratio = static_cast<float>(config.batch * config.length) / instances;
  Dreamer dreamer(Exec{Cpu{}}, {.name = "CartPole", .num_envs = instances}, config);
  while (dreamer.updates() == 0) {
    dreamer.collect();
    dreamer.update();
  }
  double collecting = 0;
  Metrics const spent_before = dreamer.spent();
  std::int64_t const before = dreamer.updates();
  for (auto _ : state) {
    double const begin = bench::seconds();
    dreamer.collect();
    collecting += bench::seconds() - begin;
    dreamer.update();
  }
  auto const done = static_cast<double>(dreamer.updates() - before);
  int const starts = config.batch * config.length;
  using benchmark::Counter;
  state.counters["updates/s"] = Counter(done, Counter::kIsRate);
  state.counters["imagined/s"] = Counter(done * starts * config.horizon, Counter::kIsRate);
  state.counters["FLOP/s"] =
      Counter(2 * multiply_adds(dreamer.shape(), starts) * done, Counter::kIsRate);
  state.counters["peak"] = bench::fma_peak();
  state.counters["collect s"] = Counter(collecting, Counter::kAvgIterations);
  Metrics const spent = dreamer.spent();
  for (std::size_t phase = 0; phase < spent.size(); ++phase)
    state.counters[spent[phase].first + " s"] =
        Counter(spent[phase].second - spent_before[phase].second, Counter::kAvgIterations);
}

Dreamer::Config tiny() {
  Dreamer::Config c;
  c.deter = 128, c.blocks = 4, c.groups = 8, c.classes = 8;
  c.encoder_layers = c.decoder_layers = c.actor_layers = c.critic_layers = 2;
  c.prior_layers = 1;
  c.bins = 41;
  c.batch = 16, c.length = 32;
  return c;
}

Dreamer::Config size_1m() {
  Dreamer::Config c;
  c.size = "1M";
  return c;
}

Dreamer::Config by_layers(Dreamer::Config c) {
  c.imagination = "layers";
  return c;
}

// The same with imagination as one kernel and layer by layer, in one run.
BENCHMARK_CAPTURE(updates, tiny, tiny())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(updates, tiny_layers, by_layers(tiny()))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(updates, size_1M, size_1m())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(updates, size_1M_layers, by_layers(size_1m()))->Unit(benchmark::kMillisecond);

}  // namespace
