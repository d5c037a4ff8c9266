#include <benchmark/benchmark.h>

#include <kernels/nn/pool.hpp>
#include <vector>

// 64 images of 64 x 64 pixels. Floor: the larger image once, the smaller once (backward: the larger twice).
namespace loom {
namespace {

struct Images {
  PoolShape shape;
  std::vector<float> larger, smaller;

  explicit Images(int channels) : shape{64, 64, channels} {
    larger.assign(64 * static_cast<std::size_t>(shape.larger()), 1.F);
    smaller.assign(larger.size() / 4, 1.F);
  }
  OutRows<float> large() { return {larger.data(), 64, shape.larger()}; }
  OutRows<float> small() { return {smaller.data(), 64, shape.smaller()}; }
};

void max_pool_cpu(benchmark::State& state) {
  Images i(static_cast<int>(state.range(0)));
  for (auto _ : state) max_pool(Cpu{}, i.shape, i.large(), i.small());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(i.larger.size()) * 5);
}
void max_pool_backward_cpu(benchmark::State& state) {
  Images i(static_cast<int>(state.range(0)));
  std::vector<float> dx(i.larger.size());
  for (auto _ : state)
    max_pool_backward(Cpu{}, i.shape, i.large(), i.small(), {dx.data(), 64, i.shape.larger()});
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(i.larger.size()) * 9);
}
void double_pixels_cpu(benchmark::State& state) {
  Images i(static_cast<int>(state.range(0)));
  for (auto _ : state) double_pixels(Cpu{}, i.shape, i.small(), i.large());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(i.larger.size()) * 5);
}
BENCHMARK(max_pool_cpu)->Arg(8)->Arg(64);
BENCHMARK(max_pool_backward_cpu)->Arg(8)->Arg(64);
BENCHMARK(double_pixels_cpu)->Arg(8)->Arg(64);

}  // namespace
}  // namespace loom
