#pragma once
// What `dreamloom bench` measures.
#include <functional>
#include <kernels/core/exec.hpp>
#include <string>
#include <vector>

namespace loom {

/// One thing that is timed. What a call must at least move and compute, over the ceilings, is its
/// floor; the fraction of it that is reached needs no other machine to compare with.
struct BenchRow {
  std::string name, unit;       ///< "CartPole step, 4096 random", "steps"
  double items = 0;             ///< units a call
  double bytes = 0, flops = 0;  ///< a call, at least
  double working_set = 0;       ///< bytes that calls come back to: which cache they lie in
  std::function<void()> call;
};

/// Rows whose name contains `filter` (letter case ignored). Only those build what they need.
std::vector<BenchRow> bench_rows(Exec const& exec, std::string const& filter);

}  // namespace loom
