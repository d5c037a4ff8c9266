#include <benchmark/benchmark.h>

#include <kernels/nn/running_norm.hpp>

namespace {

// The moments of 128 steps of 1024 instances; range: fields.
void update_moments_cpu(benchmark::State& state) {
  int const steps = 128, instances = 1024, fields = static_cast<int>(state.range(0));
  loom::RunningNorm norm(loom::Cpu{}, fields);
  std::vector<float> const x(static_cast<std::size_t>(steps * instances * fields), 0.1F);
  for (auto _ : state) norm.update(loom::Cpu{}, steps, instances, x);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(x.size() * sizeof(float)));
}
BENCHMARK(update_moments_cpu)->Arg(1)->Arg(4)->Arg(17);

}  // namespace
