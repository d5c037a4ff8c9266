#include <benchmark/benchmark.h>

#include <kernels/nn/ppo_loss.hpp>
#include <vector>

namespace {

// Loss, gradients and metrics of a minibatch of `range` rows, six logits.
void ppo_loss_discrete_cpu(benchmark::State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  int const rows = static_cast<int>(n), actions = 6;
  std::vector<float> const logits(n * 6, 0.1F), numbers(n, 0.3F), coefficient{0.01F};
  std::vector<std::int32_t> const action(n, 2);
  std::vector<float> d_logits(n * 6), d_value(n), latest(loom::kPpoMetrics),
      sums(loom::kPpoMetrics);
  std::vector<std::uint8_t> workspace(loom::ppo_workspace(rows, actions));
  loom::PpoBatch const batch{numbers, numbers, numbers, numbers, numbers};
  for (auto _ : state)
    loom::ppo_loss_discrete(loom::Cpu{}, {}, coefficient, {logits.data(), rows, actions}, action,
                            batch, {d_logits.data(), rows, actions}, d_value, {latest, sums},
                            workspace);
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(ppo_loss_discrete_cpu)->Arg(64)->Arg(256)->Arg(16384);

}  // namespace
