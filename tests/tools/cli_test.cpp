// The built program, as a user meets it: exact messages, exit codes, nothing half-written.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tests/tools/program.hpp>

namespace loom {
namespace {

/// One line on stderr, nothing on stdout.
void expect_error(Ran const& ran, int status, std::string const& message) {
  EXPECT_EQ(ran.status, status);
  EXPECT_EQ(ran.err, "dreamloom: " + message + "\n");
  EXPECT_EQ(ran.out, "");
}

bool is_empty(Scratch const& scratch) { return std::filesystem::is_empty(scratch.path()); }

TEST(Cli, SaysItsVersionAndHelp) {
  Scratch const s;
  Ran ran = run_program(s, "--version");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out.rfind("dreamloom ", 0), 0U);
  for (char const* command : {"", "train", "sweep", "eval", "render", "dream", "envs", "recipes",
                              "bench", "plot", "inspect"}) {
    ran = run_program(s, std::string(command) + " --help");
    EXPECT_EQ(ran.status, 0) << command;
    EXPECT_NE(ran.out.find("Examples:\n  dreamloom "), std::string::npos) << command;
    EXPECT_EQ(ran.err, "");
  }
  EXPECT_NE(run_program(s, "train --help").out.find("--total_steps 1000000"), std::string::npos);
}

TEST(Cli, RefusesWhatItDoesNotKnow) {
  Scratch const s;
  expect_error(run_program(s, "trian cartpole"), 2,
               "unknown command \"trian\" (did you mean \"train\"?)");
  expect_error(run_program(s, "--fast"), 2,
               "command line: unknown option --fast (see dreamloom --help)");
  expect_error(run_program(s, "bench --seconds 0"), 2,
               "command line: --seconds 0 (needs a number from 0.001 to 60)");
  expect_error(run_program(s, "bench --filter nothing_like_it --seconds 0.001"), 2,
               "bench: no row contains \"nothing_like_it\" (without --filter all are shown)");
  expect_error(run_program(s, "bench --device tpu"), 2,
               "device: tpu (needs auto, cpu, cuda or cuda:n)");
  EXPECT_TRUE(is_empty(s));
}

TEST(Cli, ListsEnvironments) {
  Scratch const s;
  Ran ran = run_program(s, "envs");
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("CartPole"), std::string::npos);
  ran = run_program(s, "envs CartPole");
  EXPECT_NE(ran.out.find("gravity"), std::string::npos);
  auto const json = nlohmann::json::parse(run_program(s, "envs Pendulum --json").out);
  EXPECT_EQ(json["observation"], 3);
  EXPECT_EQ(json["actions"]["high"], 2.0);
  EXPECT_EQ(json["max_steps"], 200);
  expect_error(run_program(s, "envs Pendulm"), 2,
               "unknown environment \"Pendulm\" (did you mean \"Pendulum\"?)");
}

TEST(Cli, PlotsRuns) {
  Scratch const s;
  for (std::string const run : {"a", "b"}) {
    std::filesystem::create_directory(s / run);
    write_text(s / run / "metrics.csv", "step,episode_return\n10,1\n20,3\n");
  }
  EXPECT_EQ(run_program(s, "plot a b --out two.svg").out, "two.svg\n");
  EXPECT_EQ(run_program(s, "plot a b --mean --out mean.svg").out, "mean.svg\n");
  EXPECT_EQ(contents(s / "two.svg").rfind("<svg", 0), 0U);
  expect_error(run_program(s, "plot a c"), 2, "c: is no run (needs a metrics.csv)");
  expect_error(run_program(s, "plot a --metric episode_retrun"), 2,
               "a: unknown metric \"episode_retrun\" (did you mean \"episode_return\"?)");
  expect_error(run_program(s, "plot a --out a.png"), 2,
               "a.png: cannot draw this (needs a name in .svg)");
}

TEST(Cli, RefusesCheckpointsThatAreNone) {
  Scratch const s;
  write_text(s / "a.safetensors", "nothing");
  for (std::string const command : {"eval", "render", "dream", "inspect"}) {
    Ran const ran = run_program(s, command + " a.safetensors");
    EXPECT_EQ(ran.status, 1) << command;
    EXPECT_EQ(ran.err.rfind("dreamloom: a.safetensors: ", 0), 0U) << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    expect_error(run_program(s, command + " b"), 2,
                 "b: there is no such checkpoint or run directory");
  }
}

TEST(Cli, BenchPrintsCeilingsAndRates) {
  Scratch const s;
  Ran const ran =
      run_program(s, "bench --filter 'CartPole step, 64' --seconds 0.001 --device cpu --json");
  EXPECT_EQ(ran.status, 0) << ran.err;
  auto const json = nlohmann::json::parse(ran.out);
  EXPECT_GT(json["ceilings"]["flops"], 1e8);
  ASSERT_FALSE(json["rows"].empty());
  EXPECT_GT(json["rows"][0]["per_s"], 1e5);
  EXPECT_GT(json["rows"][0]["fraction"], 0);
}

}  // namespace
}  // namespace loom
