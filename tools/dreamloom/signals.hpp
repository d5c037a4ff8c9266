#pragma once
// SIGINT and SIGTERM as a question that the training loop asks between iterations.

namespace loom {

/// While it lives, the first SIGINT or SIGTERM is only noted; a second one ends the process at
/// once.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(StopSignals const&) = delete;
  StopSignals& operator=(StopSignals const&) = delete;

  /// The signal that came, 0 when none has.
  static int received();
};

}  // namespace loom
