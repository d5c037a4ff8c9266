// Observations from pixels a second: every instance drawn and rendered, 64 x 64 x 3, and stacks of two.
#include <benchmark/benchmark.h>

#include <sim/core/pixels.hpp>

namespace {
using namespace loom;

void see(benchmark::State& state, EnvEntry const& entry) {
  int const n = static_cast<int>(state.range(0));
  VectorEnv env(Exec{Cpu{}}, {.name = entry.spec().name, .num_envs = n});
  Pixels pixels(env, {64, 2}, 1);
  for (int t = 0; t < 20; ++t) env.step_random();
  for (auto _ : state) pixels.see(env.exec(), env, 0);
  state.SetItemsProcessed(state.iterations() * n);
  state.SetBytesProcessed(state.iterations() * n * 64 * 64 * 3);
}

void see_and_stack(benchmark::State& state) {
  int const n = static_cast<int>(state.range(0));
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = n});
  Pixels pixels(env, {64, 2}, 1);
  Buffer<std::uint8_t> observation(
      env.exec(), static_cast<std::size_t>(n) * static_cast<std::size_t>(pixels.bytes()));
  for (auto _ : state) {
    pixels.see(env.exec(), env, 0);
    pixels.observe(env.exec(), 0, {observation.data(), n, pixels.bytes()});
  }
  state.SetItemsProcessed(state.iterations() * n);
}
BENCHMARK(see_and_stack)->Arg(256);

[[maybe_unused]] int const registered = [] {
  for (EnvEntry const& e : environments())
    benchmark::RegisterBenchmark((std::string("pixels/") + e.stem).c_str(),
                                 [&e](benchmark::State& s) { see(s, e); })
        ->Arg(64)
        ->Arg(4096);
  return 0;
}();

}  // namespace
