#include <benchmark/benchmark.h>

#include <algorithm>
#include <kernels/linalg/scan.hpp>
#include <kernels/linalg/select.hpp>
#include <kernels/linalg/sort.hpp>
#include <numeric>
#include <random>
#include <vector>

namespace loom {
namespace {

std::vector<std::uint32_t> random_keys(std::int64_t n) {
  std::mt19937 engine(1);
  std::vector<std::uint32_t> keys(static_cast<std::size_t>(n));
  for (auto& k : keys) k = static_cast<std::uint32_t>(engine());
  return keys;
}

void sort_pairs_cpu(benchmark::State& state) {
  auto const keys = random_keys(state.range(0));
  std::vector<std::int32_t> values(keys.size()), sorted_values(keys.size());
  std::vector<std::uint32_t> sorted_keys(keys.size());
  std::vector<std::uint8_t> workspace(sort_workspace(Cpu{}, static_cast<int>(keys.size())));
  for (auto _ : state) sort_pairs(Cpu{}, keys, values, sorted_keys, sorted_values, workspace);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sort_pairs_cpu)->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 20);

void std_stable_sort(benchmark::State& state) {
  auto const keys = random_keys(state.range(0));
  std::vector<std::int32_t> order(keys.size());
  for (auto _ : state) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
    });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(std_stable_sort)->Arg(1 << 16);

void exclusive_scan_cpu(benchmark::State& state) {
  std::vector<std::int32_t> x(static_cast<std::size_t>(state.range(0)), 1), y(x.size());
  std::vector<std::uint8_t> none;
  for (auto _ : state) exclusive_scan(Cpu{}, x, y, none);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(exclusive_scan_cpu)->Arg(1 << 16);

void select_indices_cpu(benchmark::State& state) {
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(state.range(0))), none;
  for (std::size_t i = 0; i < flags.size(); i += 50) flags[i] = 1;
  std::vector<std::int32_t> indices(flags.size()), count(1);
  for (auto _ : state) select_indices(Cpu{}, flags, indices, count, none);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(select_indices_cpu)->Arg(1 << 16);

}  // namespace
}  // namespace loom
