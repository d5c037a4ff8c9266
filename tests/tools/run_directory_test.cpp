#include <tools/dreamloom/run_directory.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <kernels/core/error.hpp>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

using Open = RunDirectory::Open;

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (Error const& e) {
    return e.what();
  }
  return "no error";
}

TEST(RunDirectory, RefusesToOverwriteARun) {
  Scratch const scratch;
  auto const path = scratch / "a";
  { RunDirectory const directory(path, Open::fresh); }
  { RunDirectory const directory(path, Open::fresh); }  // nothing was written yet
  write_text(path / "config.toml", "");
  EXPECT_EQ(message_of([&] { RunDirectory const d(path, Open::fresh); }),
            path.string() +
                ": there is a run already (continue it with --resume, or choose another --name)");
  EXPECT_EQ(message_of([&] { RunDirectory const d(path, Open::resume); }), "no error");
}

TEST(RunDirectory, RefusesToResumeNothingAndMakesNothing) {
  Scratch const scratch;
  auto const path = scratch / "a";
  EXPECT_EQ(message_of([&] { RunDirectory const d(path, Open::resume); }),
            path.string() + ": there is no run to resume (start it without --resume)");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(RunDirectory, BelongsToOneProcess) {
  Scratch const scratch;
  auto const path = scratch / "a";
  {
    RunDirectory const first(path, Open::fresh);
    EXPECT_EQ(message_of([&] { RunDirectory const second(path, Open::fresh); }),
              path.string() + ": another process is using this run (" + (path / "lock").string() +
                  " is held by process " + std::to_string(getpid()) + ")");
  }
  EXPECT_EQ(message_of([&] { RunDirectory const third(path, Open::fresh); }), "no error");
}

TEST(RunDirectory, FindsACheckpointByFileAndByRun) {
  Scratch const scratch;
  write_text(scratch / "checkpoint.safetensors", "");
  EXPECT_EQ(find_checkpoint(scratch.path().string()), scratch / "checkpoint.safetensors");
  EXPECT_EQ(find_checkpoint((scratch / "checkpoint.safetensors").string()),
            scratch / "checkpoint.safetensors");
  EXPECT_EQ(message_of([&] { find_checkpoint((scratch / "b").string()); }),
            (scratch / "b").string() + ": there is no such checkpoint or run directory");
}

}  // namespace
}  // namespace loom
