#include <benchmark/benchmark.h>

#include <kernels/nn/clip_norm.hpp>
#include <vector>

namespace {

// A gradient that needs no clipping: read once for the norm.
void clip_norm_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::vector<float> gradient(n, 1e-6F), norm(1);
  std::vector<std::uint8_t> workspace(loom::reduce_workspace(n));
  for (auto _ : state) loom::clip_norm(loom::Cpu{}, 1.F, gradient, norm, workspace);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 4);
}
BENCHMARK(clip_norm_cpu)->Arg(1 << 14)->Arg(1 << 20);

}  // namespace
