#include <tools/dreamloom/ceilings.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <kernels/core/buffer.hpp>
#include <kernels/core/fma_chains.hpp>
#include <kernels/core/thread_pool.hpp>

namespace loom {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int threads_of(Exec const& exec) { return on_cpu(exec) ? num_threads(std::get<Cpu>(exec)) : 1; }

constexpr int kTurns = 1 << 15;

/// On the CPU every thread copies its own slice, as kernels do, and small ones often enough that
/// waking the threads does not count.
void copy_slices(Exec const& exec, Buffer<float> const& from, Buffer<float>& to, int times) {
  if (!on_cpu(exec)) return copy(exec, from.in(), to.out());
  Cpu const cpu = std::get<Cpu>(exec);
  int const slices = num_threads(cpu);
  std::size_t const n = from.size() / static_cast<std::size_t>(slices);
  parallel(cpu, slices, [&](int s) {
    std::size_t const first = static_cast<std::size_t>(s) * n;
    for (int i = 0; i < times; ++i) {
      std::memcpy(to.data() + first, from.data() + first, n * sizeof(float));
      asm volatile("" ::: "memory");  // every copy counts
    }
  });
}

Ceilings::Copy measure_copy(Exec const& exec, double budget_s, std::size_t working_set) {
  std::size_t const half = working_set / 2;
  Buffer<float> const from = zeros<float>(exec, half / sizeof(float));
  Buffer<float> to = zeros<float>(exec, half / sizeof(float));
  constexpr std::size_t kMoved = std::size_t{1} << 24;
  int const times = on_cpu(exec) ? static_cast<int>(std::max<std::size_t>(kMoved / half, 1)) : 1;
  double const time_s = best_time_s(exec, budget_s, [&] { copy_slices(exec, from, to, times); });
  return {static_cast<double>(working_set), 2.0 * static_cast<double>(half) * times / time_s};
}

/// Enough lanes for every unit of the machine to have work.
std::size_t busy_lanes(Exec const& exec) {
  if (!on_cpu(exec)) return std::size_t{1} << 18;
  return 64 * static_cast<std::size_t>(threads_of(exec));
}

}  // namespace

double Ceilings::bytes_per_s(double working_set) const {
  // A set between two measured sizes may still lie in the smaller one's cache.
  double best = copies.back().bytes_per_s;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    bool const reachable = i + 1 == copies.size() || copies[i + 1].working_set > working_set;
    if (reachable) best = std::max(best, copies[i].bytes_per_s);
  }
  return best;
}

double best_time_s(Exec const& exec, double budget_s, std::function<void()> const& call) {
  auto const timed = [&](int calls) {
    double const start = now_s();
    for (int i = 0; i < calls; ++i) call();
    synchronize(exec);
    return (now_s() - start) / calls;
  };
  timed(1);
  double best = timed(1);
  // Batches of about a fiftieth of the budget: long beside the clock, many beside the disturbances.
  int const calls = static_cast<int>(std::clamp(budget_s / 50 / std::max(best, 1e-9), 1.0, 1e6));
  for (double const end = now_s() + budget_s; now_s() < end;) best = std::min(best, timed(calls));
  return best;
}

Ceilings measure_ceilings(Exec const& exec, double budget_s) {
  Ceilings c;
  // A thread's part of the smallest lies in any first-level cache.
  std::size_t const smallest =
      on_cpu(exec) ? (std::size_t{1} << 14) * static_cast<std::size_t>(threads_of(exec))
                   : std::size_t{1} << 22;
  std::size_t const largest = on_cpu(exec) ? std::size_t{1} << 28 : std::size_t{1} << 31;
  for (std::size_t bytes = smallest; bytes < largest; bytes *= 8) {
    c.copies.push_back(measure_copy(exec, budget_s / 4, bytes));
  }
  c.copies.push_back(measure_copy(exec, budget_s, largest));
  Buffer<float> sums(exec, busy_lanes(exec));
  int const turns = on_cpu(exec) ? kTurns : kTurns / 64;
  auto const chains = [&](int n) { visit(exec, [&](auto e) { fma_chains(e, n, sums.out()); }); };
  c.flops = fma_chains_flops(static_cast<double>(sums.size()), turns) /
            best_time_s(exec, budget_s, [&] { chains(turns); });
  c.launch_s = best_time_s(exec, budget_s / 2, [&] { chains(0); });
  return c;
}

}  // namespace loom
