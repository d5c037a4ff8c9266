// `dreamloom train` and what follows it, through the built program.
#include <gtest/gtest.h>

#include <algorithm>
#include <learn/core/checkpoint.hpp>
#include <nlohmann/json.hpp>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// 20 iterations of 1024 steps; the clock decides about checkpoints alone.
constexpr char const* kSmall =
    "train cartpole --device cpu --threads 1 --num_envs 64 --ppo.steps 16 --ppo.minibatches 4 "
    "--total_steps 20480 --stop_return 1e9 --eval.every 0 --eval.episodes 10 ";

std::string small(std::string const& more = "") { return kSmall + more; }

std::string checkpoint(Scratch const& s, std::string const& run) {
  return contents(s / ("runs/" + run + "/checkpoint.safetensors"));
}

void expect_error(Ran const& ran, int status, std::string const& message) {
  EXPECT_EQ(ran.status, status);
  EXPECT_EQ(ran.err, "dreamloom: " + message + "\n");
  EXPECT_EQ(ran.out, "");
}

TEST(Train, LeavesAWholeRun) {
  Scratch const s;
  Ran const ran = run_program(s, small("--name a"));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("evaluation: return "), std::string::npos) << ran.out;
  std::vector<std::string> files;
  for (auto const& entry : fs::directory_iterator(s / "runs/a")) {
    std::string const name = entry.path().filename();
    files.push_back(name.substr(0, name.find(".tfevents")));
  }
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files, (std::vector<std::string>{"checkpoint.safetensors", "config.toml", "curve.svg",
                                             "eval.gif", "events.out", "lock", "metrics.csv"}));
  EXPECT_EQ(contents(s / "runs/a/eval.gif").substr(0, 6), "GIF89a");
  EXPECT_EQ(contents(s / "runs/a/metrics.csv").rfind("step,", 0), 0U);

  auto const json = nlohmann::json::parse(run_program(s, "eval runs/a --episodes 7 --json").out);
  EXPECT_EQ(json["episodes"], 7);
  EXPECT_EQ(json["steps"], 20480);
  EXPECT_EQ(json["returns"].size(), 7U);
  auto const heavy = nlohmann::json::parse(
      run_program(s, "eval runs/a --json --parameters.gravity 25 --seed 3").out);
  EXPECT_EQ(heavy["parameters"]["gravity"], "25.0");
  EXPECT_EQ(heavy["seed"], 3);
  EXPECT_EQ(run_program(s, "render runs/a --out a.png --instances 2").out, "a.png\n");
  EXPECT_EQ(contents(s / "a.png").substr(1, 3), "PNG");
  EXPECT_EQ(run_program(s, "render runs/a --out a.gif --max_frames 3").status, 0);
  EXPECT_NE(run_program(s, "inspect runs/a").out.find("environment = \"CartPole\""),
            std::string::npos);
  expect_error(run_program(s, "render runs/a --out a.mp4"), 2,
               "a.mp4: cannot draw this (needs a name in .gif or .png)");
  expect_error(run_program(s, "eval runs/a --gamma 1"), 2,
               "command line: unknown option --gamma (only --parameters.NAME changes an "
               "evaluation; see --help)");
}

TEST(Train, GivesTheSameBytesForTheSameSeed) {
  Scratch const s;
  for (std::string const name : {"a", "b"}) {
    EXPECT_EQ(run_program(s, small("--name " + name)).status, 0);
  }
  EXPECT_EQ(run_program(s, small("--name c --seed 2")).status, 0);
  EXPECT_EQ(checkpoint(s, "a"), checkpoint(s, "b"));
  EXPECT_NE(checkpoint(s, "a"), checkpoint(s, "c"));
}

TEST(Train, ResumesAfterAKillToTheSameBytes) {
  Scratch const s;
  std::string const eager = small("--total_steps 30720 --checkpoint_every_s 0 ");
  ASSERT_EQ(run_program(s, eager + "--name whole").status, 0);
  {
    Background run(s, eager + "--name killed");
    ASSERT_TRUE(wait_for(s / "runs/killed/checkpoint.safetensors"));
    EXPECT_EQ(run.end(SIGKILL), 128 + SIGKILL);
  }
  auto const before =
      Checkpoint::read(s / "runs/killed/checkpoint.safetensors").state_at<nlohmann::json>("run");
  ASSERT_LT(before["iteration"], 30) << "the run was over before it was killed";
  Ran const ran = run_program(s, eager + "--name killed --resume");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(checkpoint(s, "killed"), checkpoint(s, "whole"));
}

TEST(Train, SavesOnCtrlCAndGoesOn) {
  Scratch const s;
  std::string const eager = small("--total_steps 30720 --checkpoint_every_s 0 ");
  ASSERT_EQ(run_program(s, eager + "--name whole").status, 0);
  for (int const signal : {SIGINT, SIGTERM}) {
    std::string const name = "stopped" + std::to_string(signal);
    Background run(s, eager + "--name " + name);
    ASSERT_TRUE(wait_for(s / ("runs/" + name + "/checkpoint.safetensors")));
    EXPECT_EQ(run.end(signal), 128 + signal);
    EXPECT_EQ(run_program(s, "train runs/" + name + " --resume").status, 0);
    EXPECT_EQ(checkpoint(s, name), checkpoint(s, "whole"));
  }
}

TEST(Train, IsComplete) {
  Scratch const s;
  ASSERT_EQ(run_program(s, small("--name a")).status, 0);
  std::string const before = checkpoint(s, "a");
  Ran const again = run_program(s, "train runs/a --resume");
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.out, "runs/a is complete at step 20,480 (raise --total_steps to go on)\n");
  EXPECT_EQ(checkpoint(s, "a"), before);
}

TEST(Train, RefusesTheWrongRun) {
  Scratch const s;
  expect_error(run_program(s, small("--name a --resume")), 2,
               "runs/a: there is no run to resume (start it without --resume)");
  ASSERT_EQ(run_program(s, small("--name a")).status, 0);
  std::string const before = checkpoint(s, "a");
  expect_error(run_program(s, small("--name a")), 2,
               "runs/a: there is a run already (continue it with --resume, or choose another "
               "--name)");
  expect_error(run_program(s, small("--name a --resume --ppo.gamma 0.5")), 2,
               "runs/a: ppo.gamma = 0.5 (the run has 0.99); only total_steps may change on "
               "--resume (`dreamloom train runs/a --resume` takes the run's own settings)");
  expect_error(run_program(s, small("--name ../a")), 2,
               "command line: --name \"../a\" (needs a plain directory name; --runs says where)");
  EXPECT_EQ(checkpoint(s, "a"), before);
}

TEST(Train, BelongsToOneProcess) {
  Scratch const s;
  std::string const eager = small("--total_steps 4e8 --checkpoint_every_s 0 --name a");
  Background run(s, eager);
  ASSERT_TRUE(wait_for(s / "runs/a/checkpoint.safetensors"));
  Ran const second = run_program(s, eager + " --resume");
  EXPECT_EQ(second.status, 1);
  std::string const message =
      "dreamloom: runs/a: another process is using this run (runs/a/lock is held by process ";
  EXPECT_EQ(second.err.substr(0, message.size()), message);
  EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1);
}

TEST(Train, RefusesDamagedCheckpoints) {
  Scratch const s;
  ASSERT_EQ(run_program(s, small("--name a")).status, 0);
  std::string const whole = checkpoint(s, "a");
  fs::path const file = s / "runs/a/checkpoint.safetensors";
  std::string damaged = whole;
  damaged[damaged.size() - 7] ^= 1;
  for (std::string const& bytes : {whole.substr(0, whole.size() / 2), damaged, std::string()}) {
    write_text(file, bytes);
    for (std::string const command : {"eval runs/a", "train runs/a --resume"}) {
      Ran const ran = run_program(s, command);
      EXPECT_EQ(ran.status, 1) << command;
      EXPECT_EQ(ran.err.rfind("dreamloom: runs/a/checkpoint.safetensors: ", 0), 0U) << ran.err;
      EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    }
    EXPECT_EQ(contents(file), bytes);
  }
}

TEST(Train, LeavesNothingBehindWhenItCannotBegin) {
  Scratch const s;
  expect_error(run_program(s, "train cartpol"), 2,
               "unknown recipe \"cartpol\" (did you mean \"cartpole\"?)");
  expect_error(run_program(s, "train"), 2, "command line: no recipe (needs one)");
  expect_error(run_program(s, "train cartpole pendulum"), 2,
               "command line: unexpected \"pendulum\" (needs one recipe, then --key value)");
  expect_error(run_program(s, "train cartpole --ppo.gama 1"), 2,
               "command line: unknown key \"ppo.gama\" (did you mean \"ppo.gamma\"?)");
  expect_error(run_program(s, "train cartpole --gamma two"), 2,
               "command line: gamma = two (needs a number from 0 to 1)");
  expect_error(run_program(s, "train cartpole --num_envs 0"), 2,
               "command line: num_envs = 0 (needs an integer from 1 to 16777216)");
  expect_error(run_program(s, "train cartpole --environment CartPol"), 2,
               "unknown environment \"CartPol\" (did you mean \"CartPole\"?)");
  expect_error(run_program(s, "train cartpole --parameters.gravity uniform:1,99"), 2,
               "command line: parameters.gravity = { uniform = [1.0, 99.0] } (needs values from "
               "0.1 to 30 m/s^2)");
  expect_error(run_program(s, "train cartpole --seed"), 2,
               "command line: --seed has no value (needs --seed value)");
  EXPECT_EQ(run_program(s, small("--ppo.minibatches 3")).status, 2);
  EXPECT_TRUE(fs::is_empty(s.path()));

  write_text(s / "file", "");
  Ran const ran = run_program(s, small("--runs file"));
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "dreamloom: file/cartpole: cannot make the directory: Not a directory\n");
  EXPECT_EQ(contents(s / "file"), "");
}

TEST(Train, StopsWhenTheLossIsNoNumber) {
  Scratch const s;
  Ran const ran = run_program(s, small("--name a --ppo.learning_rate 1e38 --ppo.max_grad_norm 0"));
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err.rfind("dreamloom: ppo: ", 0), 0U) << ran.err;
  EXPECT_NE(ran.err.find(" at step "), std::string::npos) << ran.err;
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
}

}  // namespace
}  // namespace loom
