#pragma once
// Runs the built program as a user would.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace loom {

/// A directory of its own for each test, gone afterwards.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "dreamloom_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  std::filesystem::path const& path() const { return path_; }
  std::filesystem::path operator/(std::string const& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string contents(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(std::filesystem::path const& path, std::string const& text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct Ran {
  int status = -1;  ///< 128 + n for signal n
  std::string out, err;
};

inline std::string const kProgram = DREAMLOOM_BINARY_DIR "/dreamloom";

/// dreamloom with these arguments (a shell's words), in `directory`; `through` is a command that starts
/// the command after it.
inline Ran run_program(Scratch const& directory, std::string const& arguments,
                       std::string const& through = "") {
  std::string const command = "cd '" + directory.path().string() + "' && exec " + through + " '" +
                              kProgram + "' " + arguments + " >out.txt 2>err.txt </dev/null";
  int const status = std::system(command.c_str());
  Ran ran;
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.out = contents(directory / "out.txt");
  ran.err = contents(directory / "err.txt");
  std::filesystem::remove(directory / "out.txt");
  std::filesystem::remove(directory / "err.txt");
  return ran;
}

/// dreamloom with these arguments in the background.
class Background {
 public:
  Background(Scratch const& s, std::string const& arguments) {
    std::string const command = "cd '" + s.path().string() + "' && exec '" + kProgram + "' " +
                                arguments + " >/dev/null 2>&1 </dev/null";
    process_ = fork();
    if (process_ == 0) {
      execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
  }
  ~Background() {
    if (process_ > 0) end(SIGKILL);
  }
  Background(Background const&) = delete;
  Background& operator=(Background const&) = delete;

  pid_t id() const { return process_; }

  /// Sends the signal; 128 + n when signal n ended the process, else its exit status.
  int end(int signal) {
    kill(process_, signal);
    return wait();
  }
  int wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t process_;
};

inline bool wait_for(std::filesystem::path const& file) {
  for (int i = 0; i < 3000 && !std::filesystem::exists(file); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return std::filesystem::exists(file);
}

}  // namespace loom
