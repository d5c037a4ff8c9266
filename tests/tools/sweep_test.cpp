// `dreamloom sweep` through the built program.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <learn/core/checkpoint.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// 20 iterations of 1024 steps, evaluated twice.
constexpr char const* kSmall =
    "cartpole --device cpu --num_envs 64 --ppo.steps 16 --ppo.minibatches 4 --total_steps 20480 "
    "--stop_return 1e9 --eval.every 10240 --eval.episodes 10 ";

std::string small(std::string const& more = "") { return kSmall + more; }

std::string checkpoint(Scratch const& s, std::string const& run) {
  return contents(s / ("runs/" + run + "/checkpoint.safetensors"));
}

bool holds(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

/// Whether exactly one line says what was wrong.
bool is_one_line(std::string const& text) {
  return text.rfind("dreamloom: ", 0) == 0 && std::count(text.begin(), text.end(), '\n') == 1;
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Processes that this one started and that still run.
std::vector<pid_t> children_of(pid_t process) {
  std::string const id = std::to_string(process);
  std::istringstream stream(contents("/proc/" + id + "/task/" + id + "/children"));
  std::vector<pid_t> children;
  for (pid_t child; stream >> child;) children.push_back(child);
  return children;
}

TEST(Sweep, TrainsEverySeedAsTrainWould) {
  Scratch const s;
  Ran const ran = run_program(s, "sweep " + small("--seeds 2 --name a"));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(holds(ran.out, "seed 1: return ")) << ran.out;
  EXPECT_TRUE(holds(ran.out, "seed 2: return ")) << ran.out;
  EXPECT_TRUE(holds(ran.out, "CartPole, 2 seeds: return ")) << ran.out;
  for (std::string const seed : {"1", "2"}) {
    ASSERT_EQ(run_program(s, "train " + small("--threads 1 --seed " + seed + " --name b")).status,
              0);
    EXPECT_EQ(checkpoint(s, "a_" + seed), checkpoint(s, "b"));
    fs::remove_all(s / "runs/b");
  }
  EXPECT_TRUE(holds(contents(s / "runs/a_sweep.svg"), "mean of 2 runs"));
  auto const table = lines_of(contents(s / "runs/a_sweep.csv"));
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table[0], "seed,steps,return,return_sd,length,success,seconds");
  for (std::size_t seed : {1U, 2U}) {
    // The last evaluation is what `eval` finds: the same policy, the same episodes.
    auto const json = nlohmann::json::parse(
        run_program(s, "eval runs/a_" + std::to_string(seed) + " --device cpu --json").out);
    std::istringstream row(table[seed]);
    std::string cell;
    std::getline(row, cell, ',');
    EXPECT_EQ(cell, std::to_string(seed));
    std::getline(row, cell, ',');
    EXPECT_EQ(cell, "20480");
    std::getline(row, cell, ',');
    EXPECT_DOUBLE_EQ(std::stod(cell), json["mean"].get<double>());
  }
}

TEST(Sweep, SkipsWhatIsCompleteAndGoesOnWithTheRest) {
  Scratch const s;
  ASSERT_EQ(run_program(s, "train " + small("--threads 1 --seed 2 --name whole")).status, 0);
  ASSERT_EQ(run_program(s, "train " + small("--threads 1 --name a_1")).status, 0);
  ASSERT_EQ(run_program(s, "train " + small("--threads 1 --seed 2 --name a_2 --total_steps 10240"))
                .status,
            0);
  auto const before = fs::last_write_time(s / "runs/a_1/config.toml");
  Ran const ran = run_program(s, "sweep " + small("--seeds 2 --name a"));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(lines_of(ran.out)[0].rfind("seed 1: return ", 0), 0U) << ran.out;
  EXPECT_TRUE(holds(lines_of(ran.out)[0], "(was complete) [1 of 2]")) << ran.out;
  EXPECT_EQ(fs::last_write_time(s / "runs/a_1/config.toml"), before);
  EXPECT_EQ(checkpoint(s, "a_2"), checkpoint(s, "whole"));
}

TEST(Sweep, RefusesBeforeItBegins) {
  Scratch const s;
  auto const expect_error = [&](std::string const& arguments, std::string const& message) {
    Ran const ran = run_program(s, "sweep " + arguments);
    EXPECT_EQ(ran.status, 2) << arguments;
    EXPECT_EQ(ran.err, "dreamloom: " + message + "\n");
    EXPECT_EQ(ran.out, "");
  };
  expect_error("cartpole --ppo.gama 1",
               "command line: unknown key \"ppo.gama\" (did you mean \"ppo.gamma\"?)");
  expect_error("cartpol", "unknown recipe \"cartpol\" (did you mean \"cartpole\"?)");
  expect_error("cartpole --seed 3",
               "command line: --seed (a sweep sets it; --seeds says how many)");
  expect_error("cartpole --name ../a",
               "command line: --name \"../a\" (needs a plain directory name; --runs says where)");
  EXPECT_TRUE(fs::is_empty(s.path()));

  ASSERT_EQ(run_program(s, "train " + small("--threads 1 --name a_1")).status, 0);
  expect_error(small("--name a --ppo.gamma 0.5"),
               "runs/a_1: ppo.gamma = 0.5 (the run has 0.99); only total_steps may change (choose "
               "another --name)");
  EXPECT_FALSE(fs::exists(s / "runs/a_2"));
}

TEST(Sweep, SaysWhichSeedsFailed) {
  Scratch const s;
  Ran ran = run_program(
      s, "sweep " + small("--seeds 2 --name a --ppo.learning_rate 1e38 --ppo.max_grad_norm 0"));
  EXPECT_EQ(ran.status, 1);
  EXPECT_TRUE(is_one_line(ran.err)) << ran.err;
  EXPECT_TRUE(holds(ran.err, "2 of 2 seeds failed; seed 1: ppo: ")) << ran.err;
  EXPECT_TRUE(holds(ran.out, "seed 2: failed: ppo: ")) << ran.out;
  EXPECT_FALSE(fs::exists(s / "runs/a_sweep.csv"));

  ran = run_program(s, "sweep " + small("--seeds 2 --name b --ppo.minibatches 3"));
  EXPECT_EQ(ran.status, 2) << "every seed refused its settings";
  EXPECT_TRUE(is_one_line(ran.err)) << ran.err;
}

TEST(Sweep, OutlivesTheDeathOfOneSeed) {
  Scratch const s;
  Background sweep(s, "sweep " + small("--seeds 2 --jobs 2 --name a --total_steps 81920"));
  ASSERT_TRUE(wait_for(s / "runs/a_1/metrics.csv"));
  ASSERT_TRUE(wait_for(s / "runs/a_2/metrics.csv"));
  auto const children = children_of(sweep.id());
  ASSERT_EQ(children.size(), 2U) << "they were over before one could be killed";
  kill(children[0], SIGKILL);
  EXPECT_EQ(sweep.wait(), 1);
  EXPECT_EQ(lines_of(contents(s / "runs/a_sweep.csv")).size(), 2U) << "the other one is in it";
}

TEST(Sweep, StopsItsSeedsOnCtrlCAndGoesOnFromThere) {
  Scratch const s;
  std::string const eager = "sweep " + small("--seeds 3 --jobs 2 --total_steps 81920 ");
  ASSERT_EQ(run_program(s, eager + "--name whole").status, 0);
  {
    Background sweep(s, eager + "--name a");
    ASSERT_TRUE(wait_for(s / "runs/a_1/metrics.csv"));
    ASSERT_TRUE(wait_for(s / "runs/a_2/metrics.csv"));
    auto const children = children_of(sweep.id());
    EXPECT_EQ(sweep.end(SIGINT), 128 + SIGINT);
    for (pid_t const child : children) EXPECT_NE(kill(child, 0), 0) << "still runs";
  }
  for (std::string const seed : {"1", "2"}) {
    auto const state = Checkpoint::read(s / ("runs/a_" + seed + "/checkpoint.safetensors"))
                           .state_at<nlohmann::json>("run");
    EXPECT_LT(state["iteration"], 80) << "the run was over before it was stopped";
  }
  EXPECT_FALSE(fs::exists(s / "runs/a_3"));
  EXPECT_FALSE(fs::exists(s / "runs/a_sweep.csv"));
  ASSERT_EQ(run_program(s, eager + "--name a").status, 0);
  for (std::string const seed : {"1", "2", "3"}) {
    EXPECT_EQ(checkpoint(s, "a_" + seed), checkpoint(s, "whole_" + seed));
  }
}

}  // namespace
}  // namespace loom
