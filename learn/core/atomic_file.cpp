#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kernels/core/error.hpp>
#include <learn/core/atomic_file.hpp>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace loom {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_with(int error, fs::path const& path, char const* what) {
  fail<IoError>(path.string(), ": ", what, ": ", std::generic_category().message(error));
}

/// Closes on the way out of a failure.
struct Descriptor {
  int value;
  explicit Descriptor(int v) : value(v) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

void write_all(int descriptor, std::string_view bytes, fs::path const& named) {
  while (!bytes.empty()) {
    ssize_t const n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with(errno, named, "cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_directory(fs::path const& directory, fs::path const& named) {
  Descriptor const d(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (d.value < 0) fail_with(errno, named, "cannot open its directory");
  // Some file systems know no fsync of a directory; the rename itself has succeeded.
  if (::fsync(d.value) != 0 && errno != EINVAL)
    fail_with(errno, named, "cannot sync its directory");
}

/// <name>.<process>.<count>.tmp
bool is_unfinished(std::string_view name) {
  constexpr std::string_view kSuffix = ".tmp";
  if (!name.ends_with(kSuffix)) return false;
  name.remove_suffix(kSuffix.size());
  for (int numbers = 0; numbers < 2; ++numbers) {
    auto const dot = name.rfind('.');
    if (dot == name.npos || dot == 0 || dot + 1 == name.size()) return false;
    if (name.find_first_not_of("0123456789", dot + 1) != name.npos) return false;
    name = name.substr(0, dot);
  }
  return true;
}

}  // namespace

void write_whole(fs::path const& path, std::span<std::string_view const> pieces) {
  std::error_code ignored;
  fs::path const target =
      fs::is_symlink(path, ignored) ? fs::weakly_canonical(path, ignored) : path;
  // Renaming over /dev/full, say, would replace the device itself.
  struct stat info {};
  require<IoError>(::stat(target.c_str(), &info) != 0 || S_ISREG(info.st_mode), path.string(),
                   ": cannot write: not a regular file");
  fs::path const directory = target.has_parent_path() ? target.parent_path() : fs::path(".");

  // Unlike every other name in use: other processes, and other threads of this one, may write too.
  static std::atomic<unsigned> count{0};
  fs::path temporary = target;
  temporary += "." + std::to_string(::getpid()) + "." + std::to_string(count++) + ".tmp";

  struct Unlink {
    fs::path const& name;
    bool armed = true;
    ~Unlink() {
      if (armed) ::unlink(name.c_str());
    }
  };
  {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file.value < 0) fail_with(errno, path, "cannot write");
    Unlink unlink{temporary};
    for (std::string_view const piece : pieces) write_all(file.value, piece, path);
    if (::fsync(file.value) != 0) fail_with(errno, path, "cannot write");
    // Network file systems report a full disk only here.
    if (::close(std::exchange(file.value, -1)) != 0) fail_with(errno, path, "cannot write");
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail_with(errno, path, "cannot replace");
    unlink.armed = false;
  }
  sync_directory(directory, path);
}

void remove_unfinished(fs::path const& directory) {
  std::error_code error, ignored;
  for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error)) {
    if (is_unfinished(i->path().filename().string())) fs::remove(i->path(), ignored);
  }
}

std::string read_whole(fs::path const& path) {
  Descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value < 0) fail_with(errno, path, "cannot read");
  struct stat info {};
  if (::fstat(file.value, &info) != 0) fail_with(errno, path, "cannot read");
  // The size is a hint: what counts is the end of the file.
  std::string bytes;
  std::size_t used = 0;
  bytes.resize(S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) + 1 : 65536);
  for (;;) {
    if (used == bytes.size()) bytes.resize(2 * bytes.size());
    ssize_t const n = ::read(file.value, bytes.data() + used, bytes.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with(errno, path, "cannot read");
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  bytes.resize(used);
  return bytes;
}

AppendFile::AppendFile(fs::path path, Mode mode) : path_(std::move(path)) {
  int const how = mode == Mode::replace ? O_TRUNC : 0;
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | how, 0666);
  if (descriptor_ < 0) fail_with(errno, path_, "cannot write");
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendFile::append(std::string_view bytes) { write_all(descriptor_, bytes, path_); }

void AppendFile::sync() {
  // Pipes and terminals have nothing to sync.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail_with(errno, path_, "cannot sync");
}

void make_directories(fs::path const& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_with(error.value(), path, "cannot make the directory");
}

}  // namespace loom
