#pragma once
// A command of this program in a process of its own.
#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// Runs in its own process group, so that Ctrl-C reaches it through its parent only, once; without
/// input, its output dropped, its messages kept. When the parent dies it receives SIGTERM.
class ChildProcess {
 public:
  /// arguments: command and options. Throws IoError when the system has no process left.
  explicit ChildProcess(std::vector<std::string> const& arguments);
  /// Kills what still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess const&) = delete;
  ChildProcess& operator=(ChildProcess const&) = delete;

  void send(int signal) const;
  /// Its exit status, 128 + n when signal n ended it; nothing while it runs. Does not wait.
  std::optional<int> poll();
  /// What it complained about, without "dreamloom: "; "" for nothing.
  std::string complaint() const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> messages_;
  pid_t id_ = -1;
  std::optional<int> status_;
};

}  // namespace loom
