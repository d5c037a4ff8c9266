#pragma once
// What a run leaves of its course: metrics.csv and TensorBoard events.
#include <cstdint>
#include <filesystem>
#include <learn/core/atomic_file.hpp>
#include <learn/core/metrics.hpp>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// Appends rows to `directory`/metrics.csv and events beside it, each row with the system when
/// add() returns. Columns appear in the order in which metrics first do; a new one later rewrites
/// the CSV once, with empty cells above. There is no wall-clock column but what the metrics bring.
///
/// A fresh log replaces the one that is there. A resumed one drops the rows behind `resume_step`,
/// and the columns that only they had, so that the CSV of a resumed run equals an uninterrupted
/// one's; TensorBoard is told to do the same.
///
/// Errors  IoError with path and reason; ConfigError for names that a CSV header cannot hold, and
/// for
///         steps that go back.
class RunLog {
 public:
  explicit RunLog(std::filesystem::path const& directory,
                  std::optional<std::int64_t> resume_step = {});

  void add(std::int64_t step, Metrics const& metrics);
  /// Returns when all rows are on the disk. Called before a checkpoint is written, it keeps the
  /// checkpoint from outliving rows that a resumed run will not write again.
  void sync();

 private:
  void resume(std::int64_t step);
  void add_columns(Metrics const& metrics);
  void reopen_csv() { csv_ = AppendFile(csv_.path(), AppendFile::Mode::extend); }

  AppendFile csv_, events_;
  std::vector<std::string> columns_;  ///< without "step"
  std::int64_t last_step_;
};

}  // namespace loom
