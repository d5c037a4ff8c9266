#include <benchmark/benchmark.h>

#include <kernels/dream/actor.hpp>
#include <vector>

namespace loom {
namespace {

// A rollout's policies: 15 steps of 1024 states. Floor: two exponentials and a logarithm an action, twice.
void actor_categorical_cpu(benchmark::State& state) {
  int const rows = 15 * 1024, n = static_cast<int>(state.range(0));
  std::vector<float> logits(static_cast<std::size_t>(rows * n), 0.3F), dlogits(logits.size()),
      row(static_cast<std::size_t>(rows), 1.F), loss(row.size()), entropy(row.size());
  std::vector<std::int32_t> action(row.size());
  for (auto _ : state) {
    actor_categorical_loss(Cpu{}, {}, {logits.data(), rows, n}, action, {row, row, row, {}},
                           {dlogits.data(), rows, n}, {loss, entropy});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(actor_categorical_cpu)->Arg(2)->Arg(18);

void actor_normal_cpu(benchmark::State& state) {
  int const rows = 15 * 1024, n = static_cast<int>(state.range(0));
  std::vector<float> raw(static_cast<std::size_t>(rows * 2 * n), 0.3F), draw(raw.size()),
      action(raw.size() / 2, 0.1F), row(static_cast<std::size_t>(rows), 1.F), loss(row.size()),
      entropy(row.size());
  for (auto _ : state) {
    actor_normal_loss(Cpu{}, {}, {raw.data(), rows, 2 * n}, {action.data(), rows, n},
                      {row, row, row, {}}, {draw.data(), rows, 2 * n}, {loss, entropy});
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(actor_normal_cpu)->Arg(1)->Arg(6);

// Floor: a normal number and three elementary functions an action.
void actor_normal_backward_cpu(benchmark::State& state) {
  int const rows = 15 * 1024, n = static_cast<int>(state.range(0));
  std::vector<float> raw(static_cast<std::size_t>(rows * 2 * n), 0.3F), draw(raw.size()),
      daction(raw.size() / 2, 0.1F), row(static_cast<std::size_t>(rows), 1.F), entropy(row.size());
  std::vector<std::uint32_t> stream(row.size(), 1), tick{1};
  for (auto _ : state) {
    actor_normal_backward(Cpu{}, {}, {raw.data(), rows, 2 * n}, {1, stream, tick},
                          {daction.data(), rows, n}, row, {draw.data(), rows, 2 * n}, entropy);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * n);
}
BENCHMARK(actor_normal_backward_cpu)->Arg(1)->Arg(6);

}  // namespace
}  // namespace loom
