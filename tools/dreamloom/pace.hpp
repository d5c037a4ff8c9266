#pragma once
// How fast a run goes and what its time is spent on: columns of metrics.csv that nothing is computed from.
#include <chrono>
#include <learn/core/algorithm.hpp>

namespace loom {

/// Runs iterations and times them, row after row of the log.
class Pace {
 public:
  /// From now on, of what the algorithm does from now on.
  Pace(Exec const& exec, Algorithm& algorithm);

  /// collect() and update(). A Gpu works on while the host goes ahead, and is waited for only where `last` says that
  /// the row's other iterations are to be judged by this one.
  void iterate(bool last);
  /// So many seconds went to an evaluation.
  void evaluated(double seconds);

  /// Since the last row:
  ///   env_steps_per_s, <work>_per_s        in seconds without evaluations
  ///   collect_share, update_share          of all seconds; update with what the log itself takes
  ///   evaluate_share
  ///   <part>_share                         parts of update(), as Algorithm::spent has them
  /// and peak_memory_bytes, the most that the process has had resident on the host so far, and on a GPU
  /// device_memory_bytes, what is in use there. Empty when no time has passed.
  Metrics row();

 private:
  using Clock = std::chrono::steady_clock;
  /// What rates are differences of.
  struct Counts {
    std::int64_t env_steps = 0;
    Metrics work, spent;
  };
  Counts counts() const { return {algorithm_.env_steps(), algorithm_.work(), algorithm_.spent()}; }

  Exec exec_;
  Algorithm& algorithm_;
  Clock::time_point begin_;
  Counts before_;
  double collect_s_ = 0, update_s_ = 0, evaluate_s_ = 0;
};

}  // namespace loom
