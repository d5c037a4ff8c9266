#pragma once
// What this machine can do at most, measured now: the floors of every time are made of these.
#include <functional>
#include <kernels/core/exec.hpp>
#include <vector>

namespace loom {

struct Ceilings {
  /// Copying back and forth between two halves of `working_set` bytes; reads and writes counted.
  struct Copy {
    double working_set = 0, bytes_per_s = 0;
  };
  std::vector<Copy> copies;  ///< from the nearest cache to far beyond the last, ascending
  double flops = 0;          ///< fused multiply-adds in float32, two operations each
  double launch_s = 0;       ///< an empty kernel; on the CPU what a parallel section costs

  /// The fastest copy of that working set or a larger one: no kernel moves its bytes faster.
  double bytes_per_s(double working_set) const;
};

/// Seconds that one call takes: the best of repeated batches within about `budget_s`, after one
/// call to warm up. The best, because whatever else runs here only ever adds.
double best_time_s(Exec const& exec, double budget_s, std::function<void()> const& call);

Ceilings measure_ceilings(Exec const& exec, double budget_s);

}  // namespace loom
