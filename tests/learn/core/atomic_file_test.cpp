#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <kernels/core/error.hpp>
#include <learn/core/atomic_file.hpp>
#include <tests/learn/core/scratch.hpp>

#include <csignal>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// While it lives, files of this process end at so many bytes, as if the disk were full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(FullDisk const&) = delete;
  FullDisk& operator=(FullDisk const&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(WriteWhole, ReplacesAFileAndLeavesNothingElse) {
  Scratch const scratch;
  write_whole(scratch / "a", "first, and longer");
  std::string_view const pieces[] = {"sec", "", "ond"};
  write_whole(scratch / "a", pieces);
  EXPECT_EQ(read_whole(scratch / "a"), "second");
  EXPECT_EQ(scratch.files(), 1);
}

TEST(WriteWhole, KeepsTheOldFileWhenTheDiskIsFull) {
  Scratch const scratch;
  write_whole(scratch / "a", "old");
  std::string error;
  {
    FullDisk const full(4096);
    error = message_of<IoError>([&] { write_whole(scratch / "a", std::string(100000, 'x')); });
  }
  EXPECT_EQ(error, (scratch / "a").string() + ": cannot write: File too large");
  EXPECT_EQ(read_whole(scratch / "a"), "old");
  EXPECT_EQ(scratch.files(), 1);
}

TEST(WriteWhole, SurvivesKillAtAnyMoment) {
  Scratch const scratch;
  std::string const a(300000, 'a'), b(200000, 'b');
  write_whole(scratch / "f", a);
  for (int round = 1; round <= 8; ++round) {
    pid_t const child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) {
        write_whole(scratch / "f", b);
        write_whole(scratch / "f", a);
      }
    }
    ::usleep(static_cast<useconds_t>(3000 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::string const found = read_whole(scratch / "f");
    EXPECT_TRUE(found == a || found == b) << found.size() << " bytes in round " << round;
  }
}

TEST(WriteWhole, NamesPathAndReason) {
  Scratch const scratch;
  write_whole(scratch / "file", "");
  EXPECT_EQ(message_of<IoError>([&] { write_whole(scratch / "none/a", ""); }),
            (scratch / "none/a").string() + ": cannot write: No such file or directory");
  EXPECT_EQ(message_of<IoError>([&] { write_whole(scratch / "file/a", ""); }),
            (scratch / "file/a").string() + ": cannot write: Not a directory");
  EXPECT_EQ(message_of<IoError>([&] { write_whole("/dev/full", "x"); }),
            "/dev/full: cannot write: not a regular file");
  EXPECT_EQ(message_of<IoError>([&] { write_whole(scratch.path(), "x"); }),
            scratch.path().string() + ": cannot write: not a regular file");
}

TEST(WriteWhole, WritesThroughASymbolicLink) {
  Scratch const scratch;
  write_whole(scratch / "target", "old");
  fs::create_symlink("target", scratch / "link");
  write_whole(scratch / "link", "new");
  EXPECT_TRUE(fs::is_symlink(scratch / "link"));
  EXPECT_EQ(read_whole(scratch / "target"), "new");
}

TEST(ReadWhole, ReadsEveryByteOfAnySize) {
  Scratch const scratch;
  for (std::size_t const n : {std::size_t{0}, std::size_t{1}, std::size_t{200000}}) {
    std::string bytes(n, '\0');
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 31);
    write_whole(scratch / "a", bytes);
    EXPECT_EQ(read_whole(scratch / "a"), bytes);
  }
}

TEST(ReadWhole, ReadsFilesThatClaimNoSize) {
  EXPECT_NE(read_whole("/proc/self/status").find("Pid:"), std::string::npos);
}

TEST(ReadWhole, NamesPathAndReason) {
  Scratch const scratch;
  EXPECT_EQ(message_of<IoError>([&] { read_whole(scratch / "none"); }),
            (scratch / "none").string() + ": cannot read: No such file or directory");
  EXPECT_EQ(message_of<IoError>([&] { read_whole(scratch.path()); }),
            scratch.path().string() + ": cannot read: Is a directory");
}

TEST(AppendFile, GrowsOrStartsAnew) {
  Scratch const scratch;
  AppendFile file(scratch / "a", AppendFile::Mode::replace);
  file.append("one");
  EXPECT_EQ(read_whole(scratch / "a"), "one");  // without closing
  file = AppendFile(scratch / "a", AppendFile::Mode::extend);
  file.append("two");
  file.sync();
  EXPECT_EQ(read_whole(scratch / "a"), "onetwo");
  file = AppendFile(scratch / "a", AppendFile::Mode::replace);
  EXPECT_EQ(read_whole(scratch / "a"), "");
}

TEST(AppendFile, SaysThatTheDiskIsFull) {
  AppendFile file("/dev/full", AppendFile::Mode::extend);
  EXPECT_EQ(message_of<IoError>([&] { file.append("x"); }),
            "/dev/full: cannot write: No space left on device");
}

TEST(MakeDirectories, NamesPathAndReason) {
  Scratch const scratch;
  make_directories(scratch / "a/b/c");
  make_directories(scratch / "a/b/c");
  EXPECT_TRUE(fs::is_directory(scratch / "a/b/c"));
  write_whole(scratch / "file", "");
  EXPECT_EQ(message_of<IoError>([&] { make_directories(scratch / "file/b"); }),
            (scratch / "file/b").string() + ": cannot make the directory: Not a directory");
}

}  // namespace
}  // namespace loom
