#include <benchmark/benchmark.h>

#include <kernels/nn/categorical.hpp>
#include <vector>

namespace {

// Draw and log-probability of 4096 rows; range: classes.
void categorical_sample_cpu(benchmark::State& state) {
  int const rows = 4096, classes = static_cast<int>(state.range(0));
  std::vector<float> const logits(static_cast<std::size_t>(rows * classes), 0.1F);
  std::vector<std::uint32_t> const stream(4096, 1), tick{0};
  std::vector<std::int32_t> action(4096);
  std::vector<float> log_prob(4096);
  for (auto _ : state)
    loom::categorical_sample(loom::Cpu{}, {logits.data(), rows, classes}, {1, stream, tick}, action,
                             log_prob);
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(categorical_sample_cpu)->Arg(2)->Arg(6)->Arg(18);

}  // namespace
