#pragma once
// Runs the built program as a user would.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

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

/// dreamloom with these arguments (a shell's words), in `directory`.
inline Ran run_program(Scratch const& directory, std::string const& arguments) {
  std::string const command = "cd '" + directory.path().string() + "' && exec '" + kProgram + "' " +
                              arguments + " >out.txt 2>err.txt </dev/null";
  int const status = std::system(command.c_str());
  Ran ran;
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.out = contents(directory / "out.txt");
  ran.err = contents(directory / "err.txt");
  std::filesystem::remove(directory / "out.txt");
  std::filesystem::remove(directory / "err.txt");
  return ran;
}

}  // namespace loom
