#pragma once
// A directory in memory where there is one: thousands of small files a second, synced.
#include <cstdlib>
#include <filesystem>
#include <string>

namespace loom {

class MemoryDirectory {
 public:
  MemoryDirectory() {
    bool const in_memory = std::filesystem::is_directory("/dev/shm");
    std::filesystem::path const parent =
        in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / "dreamloom_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  MemoryDirectory(MemoryDirectory const&) = delete;
  MemoryDirectory& operator=(MemoryDirectory const&) = delete;
  ~MemoryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  void clear() const {
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      std::filesystem::remove_all(entry);
  }
  std::filesystem::path const& path() const { return path_; }
  std::filesystem::path operator/(std::string const& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace loom
