#include <gtest/gtest.h>

#include <cmath>
#include <learn/dreamer/dreamer.hpp>
#include <map>
#include <tests/device.hpp>
#include <thread>
#include <tools/dreamloom/pace.hpp>

namespace loom {
namespace {

/// Takes three times as long to learn as to collect, and says so.
class Sleeper final : public Algorithm {
 public:
  void collect() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    steps_ += 64;
  }
  void update() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    updates_ += 2;
    spent_s_ += 0.015;
  }
  std::int64_t env_steps() const override { return steps_; }
  void act(InRows<float>, OutRows<float>, ActMode) override {}
  Metrics metrics() override { return {}; }
  Metrics work() const override { return {{"updates", updates_}}; }
  Metrics spent() const override { return {{"half", spent_s_}}; }
  void save(Checkpoint&) override {}
  void load(Checkpoint const&) override {}

 private:
  std::int64_t steps_ = 1000;
  double updates_ = 500, spent_s_ = 70;
};

using Row = std::map<std::string, double>;
Row row_of(Pace& pace) {
  Metrics const m = pace.row();
  return Row(m.begin(), m.end());
}

TEST(Pace, SaysWhatTimeIsSpentOn) {
  Sleeper sleeper;
  Pace pace(Exec{Cpu{}}, sleeper);
  for (int k = 0; k < 5; ++k) pace.iterate(k == 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  pace.evaluated(0.1);
  Row const row = row_of(pace);
  EXPECT_NEAR(row.at("collect_share") + row.at("update_share") + row.at("evaluate_share"), 1, 1e-9);
  // Sleeps last at least as long as asked for, and on a busy machine longer.
  EXPECT_GT(row.at("update_share"), row.at("collect_share"));
  EXPECT_GT(row.at("evaluate_share"), 0.05);
  EXPECT_GT(row.at("half_share"), 0.05);
  EXPECT_LT(row.at("half_share"), 0.3);
  EXPECT_LT(row.at("env_steps_per_s"), 64 / 0.04);
  EXPECT_GT(row.at("env_steps_per_s"), 64);
  // 64 steps and 2 updates an iteration, since the pace began.
  EXPECT_NEAR(row.at("env_steps_per_s") / row.at("updates_per_s"), 32, 1e-9);
  EXPECT_GT(row.at("peak_memory_bytes"), 1e6);
}

TEST(Pace, BeginsAnewWithEveryRow) {
  Sleeper sleeper;
  Pace pace(Exec{Cpu{}}, sleeper);
  pace.iterate(true);
  pace.row();
  Row const row = row_of(pace);
  EXPECT_EQ(row.at("env_steps_per_s"), 0);
  EXPECT_EQ(row.at("half_share"), 0);
  EXPECT_EQ(row.at("evaluate_share"), 0);
  EXPECT_EQ(row.count("collect_share"), 0U);
}

TEST(Pace, JudgesIterationsOfAGpuByTheLastOne) {
  for (Exec const& exec : every_exec()) {
    Sleeper sleeper;
    Pace pace(exec, sleeper);
    pace.iterate(false);
    EXPECT_EQ(row_of(pace).count("collect_share"), on_cpu(exec) ? 1U : 0U);
    pace.iterate(false);
    pace.iterate(true);
    Row const row = row_of(pace);
    EXPECT_NEAR(row.at("collect_share") + row.at("update_share"), 1, 1e-9);
    EXPECT_GT(row.at("update_share"), row.at("collect_share"));
    EXPECT_EQ(row.count("device_memory_bytes"), on_cpu(exec) ? 0U : 1U);
  }
}

TEST(Pace, KnowsThePartsOfDreamersUpdate) {
  Dreamer::Config c;
  c.units = 8, c.deter = 16, c.blocks = 2, c.groups = 2;
  c.bins = 9, c.batch = 3, c.length = 4, c.horizon = 3, c.capacity = 400;
  c.train_ratio = 6;
  Dreamer dreamer(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 4}, c);
  Pace pace(Exec{Cpu{}}, dreamer);
  for (int k = 0; k < 20; ++k) pace.iterate(k == 19);
  ASSERT_GT(dreamer.updates(), 3);
  Row const row = row_of(pace);
  double parts = 0;
  for (char const* const part : {"replay", "world_model", "behaviour", "optimiser"}) {
    EXPECT_GT(row.at(std::string(part) + "_share"), 0);
    parts += row.at(std::string(part) + "_share");
  }
  EXPECT_LT(parts, row.at("update_share") + 1e-9);
  EXPECT_NEAR(row.at("imagined_steps_per_s") / row.at("updates_per_s"), 3 * 4 * 3, 1e-6);
  // What the model is undecided among: between one class and all four.
  Metrics const metrics = dreamer.metrics();
  Row const measured(metrics.begin(), metrics.end());
  for (char const* const name : {"posterior_perplexity", "prior_perplexity"}) {
    EXPECT_GT(measured.at(name), 1);
    EXPECT_LE(measured.at(name), 4);
  }
}

}  // namespace
}  // namespace loom
