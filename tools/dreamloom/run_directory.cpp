#include <tools/dreamloom/run_directory.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <kernels/core/error.hpp>
#include <learn/core/atomic_file.hpp>

namespace loom {

namespace fs = std::filesystem;

namespace {

/// " by process 1234", as the lock's holder wrote into it.
std::string holder(fs::path const& lock) {
  std::ifstream file(lock);
  std::int64_t process = 0;
  return file >> process ? " by process " + std::to_string(process) : "";
}

}  // namespace

void RunDirectory::check(fs::path const& path, Open how) {
  std::error_code error;
  bool const exists = fs::exists(path / "config.toml", error);
  if (how == Open::fresh) {
    require<ConfigError>(!exists, path.string(),
                         ": there is a run already (continue it with --resume, or choose another "
                         "--name)");
    bool const usable = !fs::exists(path, error) || fs::is_directory(path, error);
    require<ConfigError>(usable, path.string(), ": is no directory (choose another --name)");
  } else {
    require<ConfigError>(exists, path.string(),
                         ": there is no run to resume (start it without --resume)");
  }
}

RunDirectory::RunDirectory(fs::path path, Open how) : path_(std::move(path)) {
  check(path_, how);
  make_directories(path_);
  std::string const file = (path_ / "lock").string();
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  require<IoError>(lock_ >= 0, file, ": ", std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    int const reason = errno;
    ::close(lock_);
    require<IoError>(reason == EWOULDBLOCK, file, ": ", std::strerror(reason));
    fail<Error>(path_.string(), ": another process is using this run (", file, " is held",
                holder(file), ")");
  }
  try {
    check(path_, how);  // another process may have begun the run before the lock was ours
  } catch (...) {
    ::close(lock_);
    throw;
  }
  // For the message above; on a full disk it will do without.
  std::string const process = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) == 0)
    static_cast<void>(::pwrite(lock_, process.data(), process.size(), 0) < 0);
  remove_unfinished(path_);
}

// The file stays: removing it would let a waiting process lock a name that no longer is there.
RunDirectory::~RunDirectory() { ::close(lock_); }

fs::path find_checkpoint(std::string const& name) {
  std::error_code error;
  fs::path const path = name;
  if (!fs::is_directory(path, error)) {
    require<ConfigError>(fs::exists(path, error), name,
                         ": there is no such checkpoint or run directory");
    return path;
  }
  fs::path const inside = path / "checkpoint.safetensors";
  require<ConfigError>(fs::exists(inside, error), name,
                       ": this run has no checkpoint yet (checkpoint.safetensors)");
  return inside;
}

}  // namespace loom
