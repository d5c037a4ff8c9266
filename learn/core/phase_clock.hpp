#pragma once
// Where time goes, on a machine that works while it is asked to.
#include <chrono>
#include <learn/core/metrics.hpp>
#include <utility>

namespace loom {

/// Adds the seconds between laps to the totals of named phases.
class PhaseClock {
 public:
  /// Without totals it does nothing.
  explicit PhaseClock(Metrics* totals) : totals_(totals), last_(now()) {}

  /// What has been done since the last lap, or since the start, was this phase.
  void lap(char const* phase) {
    if (totals_ == nullptr) return;
    auto const then = std::exchange(last_, now());
    double const seconds = std::chrono::duration<double>(last_ - then).count();
    for (auto& [name, total] : *totals_) {
      if (name != phase) continue;
      total += seconds;
      return;
    }
    totals_->emplace_back(phase, seconds);
  }

 private:
  static std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

  Metrics* totals_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace loom
