#pragma once
// Files that are there whole or not at all, whenever the process or the machine stops.
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace loom {

/// Replaces the file by the concatenated pieces: written beside it under another name, synced,
/// renamed over it, and the directory synced. Readers see the old contents or the new ones. A
/// symbolic link keeps pointing where it points; the file it names is replaced.
///
/// Errors  IoError with the path and the system's reason; nothing is left behind.
void write_whole(std::filesystem::path const& path, std::span<std::string_view const> pieces);
inline void write_whole(std::filesystem::path const& path, std::string_view bytes) {
  write_whole(path, std::span(&bytes, 1));
}

/// Removes what write_whole() leaves in a directory when its process is killed. Only for a directory that no other
/// process writes to.
void remove_unfinished(std::filesystem::path const& directory);

/// Throws IoError with the path and the system's reason.
std::string read_whole(std::filesystem::path const& path);

/// A file that only grows. What append() was given is with the system when it returns.
class AppendFile {
 public:
  enum class Mode { replace, extend };
  /// Makes the file when it is missing. Throws IoError.
  AppendFile(std::filesystem::path path, Mode mode);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  void append(std::string_view bytes);
  /// Returns when everything is on the disk.
  void sync();
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Makes the directory and its parents where they are missing. Throws IoError.
void make_directories(std::filesystem::path const& path);

}  // namespace loom
