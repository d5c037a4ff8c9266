#pragma once
// runs/<name>/: who may write there and what lies where.
#include <filesystem>
#include <string>

namespace loom {

/// A run's directory, held by this process until the object goes.
class RunDirectory {
 public:
  enum class Open { fresh, resume };

  /// Whether a run of that name could be opened, changing nothing.
  /// Errors  ConfigError: fresh, but there is a run already; resume, but there is none.
  static void check(std::filesystem::path const& path, Open how);

  /// Makes the directory when it is missing, locks it (the system unlocks it when the process ends, however it does)
  /// and removes unfinished files of a process that was killed.
  /// Errors  as check(); IoError: it cannot be made or written; Error: another process holds it.
  RunDirectory(std::filesystem::path path, Open how);
  ~RunDirectory();
  RunDirectory(RunDirectory const&) = delete;
  RunDirectory& operator=(RunDirectory const&) = delete;

  std::filesystem::path const& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path checkpoint() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
  std::filesystem::path curve() const { return path_ / "curve.svg"; }
  std::filesystem::path animation() const { return path_ / "eval.gif"; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// The checkpoint named by a file or by a run's directory. Throws ConfigError.
std::filesystem::path find_checkpoint(std::string const& name);

}  // namespace loom
