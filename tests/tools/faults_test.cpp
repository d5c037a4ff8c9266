// What goes wrong around a run: signals at any moment, a full disk, a device that is not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <kernels/core/exec.hpp>
#include <learn/core/checkpoint.hpp>
#include <random>
#include <set>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

constexpr char const* kRun =
    "train cartpole --device cpu --threads 1 --num_envs 64 --ppo.steps 16 --ppo.minibatches 4 "
    "--stop_return 1e9 --eval.every 0 --eval.episodes 10 --checkpoint_every_s 0 ";

std::string checkpoint(Scratch const& s, std::string const& run) {
  return contents(s / ("runs/" + run + "/checkpoint.safetensors"));
}

TEST(Faults, SignalsAtFiftyMomentsChangeNothing) {
  Scratch const s;
  std::string const run = std::string(kRun) + "--total_steps 409600 ";
  ASSERT_EQ(run_program(s, run + "--name whole").status, 0);
  std::mt19937 random(20240611);
  int signals = 0, ended = 0;
  // A signal that comes before the first checkpoint leaves nothing to resume: the run begins again.
  auto const arguments = [&] {
    bool const begun = std::filesystem::exists(s / "runs/hit/checkpoint.safetensors");
    if (!begun) std::filesystem::remove_all(s / "runs/hit");
    return run + "--name hit" + (begun ? " --resume" : "");
  };
  for (; signals < 50; ++signals) {
    Background hit(s, arguments());
    std::this_thread::sleep_for(std::chrono::milliseconds(2 + random() % 40));
    int const signal = std::array{SIGINT, SIGTERM, SIGKILL}[random() % 3];
    int const status = hit.end(signal);
    EXPECT_TRUE(status == 0 || status == 128 + signal) << status << " after signal " << signal;
    ended += status != 0;
  }
  EXPECT_GE(ended, 25) << "the run was over before most of the signals came";
  Ran const last = run_program(s, arguments());
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_EQ(checkpoint(s, "hit"), checkpoint(s, "whole"));
  for (auto const& entry : std::filesystem::directory_iterator(s / "runs/hit")) {
    std::string const name = entry.path().filename();
    EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
  }
}

TEST(Faults, AFullDiskEndsARunInOneLineAndLosesNothing) {
  Scratch const s;
  std::string const run = std::string(kRun) + "--name a ";
  ASSERT_EQ(run_program(s, run + "--total_steps 10240").status, 0);
  std::string const before = checkpoint(s, "a");
  auto const names = [&] {
    std::set<std::string> all;
    for (auto const& entry : std::filesystem::directory_iterator(s / "runs/a"))
      all.insert(entry.path().filename());
    return all;
  };
  std::set<std::string> const files = names();
  ASSERT_GT(before.size(), 20000U);
  // No file may grow beyond 20 KB: checkpoints are larger.
  std::string const command = "cd '" + s.path().string() + "' && ulimit -f 40 && exec '" +
                              kProgram + "' " + run +
                              "--total_steps 40960 --resume >out.txt 2>err.txt </dev/null";
  int const status = std::system(command.c_str());
  EXPECT_NE(status, 0);
  std::string const error = contents(s / "err.txt");
  EXPECT_EQ(error.rfind("dreamloom: ", 0), 0U) << error;
  EXPECT_NE(error.find("runs/a/"), std::string::npos) << error;
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
  EXPECT_EQ(checkpoint(s, "a"), before);
  for (std::string const& name : names())
    EXPECT_TRUE(files.contains(name) || name.find("events") != std::string::npos) << name;
  EXPECT_EQ(run_program(s, "eval runs/a --episodes 5").status, 0);
  EXPECT_EQ(run_program(s, run + "--total_steps 40960 --resume").status, 0);
}

/// Takes root's right to write where nobody may.
std::string as_anyone() {
  return geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search" : "";
}

struct ReadOnly {
  explicit ReadOnly(std::filesystem::path path) : path(std::move(path)) {
    std::filesystem::permissions(this->path, std::filesystem::perms{0555});
  }
  ~ReadOnly() { std::filesystem::permissions(path, std::filesystem::perms{0755}); }
  std::filesystem::path path;
};

void is_one_line_that_names(std::string const& error, std::string const& name) {
  EXPECT_EQ(error.rfind("dreamloom: ", 0), 0U) << error;
  EXPECT_NE(error.find(name), std::string::npos) << error;
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
}

TEST(Faults, AReadOnlyDirectoryEndsARunInOneLineAndLosesNothing) {
  Scratch const s;
  std::string const run = std::string(kRun) + "--name a ";
  std::filesystem::create_directory(s / "sealed");
  {
    ReadOnly const sealed(s / "sealed");
    Ran const begun = run_program(s, run + "--runs sealed/runs --total_steps 10240", as_anyone());
    EXPECT_NE(begun.status, 0);
    is_one_line_that_names(begun.err, "sealed/runs");
    EXPECT_TRUE(std::filesystem::is_empty(s / "sealed"));
  }
  ASSERT_EQ(run_program(s, run + "--total_steps 10240").status, 0);
  std::string const before = checkpoint(s, "a");
  {
    ReadOnly const sealed(s / "runs/a");
    Ran const resumed = run_program(s, run + "--total_steps 40960 --resume", as_anyone());
    EXPECT_NE(resumed.status, 0);
    is_one_line_that_names(resumed.err, "runs/a");
    EXPECT_EQ(run_program(s, "eval runs/a --episodes 5", as_anyone()).status, 0);
  }
  EXPECT_EQ(checkpoint(s, "a"), before);
  EXPECT_EQ(run_program(s, run + "--total_steps 40960 --resume").status, 0);
}

TEST(Faults, ADeviceThatIsNotThereIsSaidInOneLine) {
  if (device_count() > 0) GTEST_SKIP() << "there is a device";
  Scratch const s;
  Ran const ran = run_program(s, "train cartpole --device cuda");
  EXPECT_NE(ran.status, 0);
  EXPECT_EQ(ran.err.rfind("dreamloom: device: ", 0), 0U) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(s / "runs"));
}

}  // namespace
}  // namespace loom
