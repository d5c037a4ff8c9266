#include <tools/dreamloom/trainer.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <learn/core/checkpoint.hpp>
#include <limits>
#include <tests/tools/program.hpp>
#include <tools/dreamloom/environments.hpp>
#include <tools/dreamloom/metrics_table.hpp>

namespace loom {
namespace {

/// Steps at random, and adds up rewards into something that depends on every step.
class Accumulator final : public Algorithm {
 public:
  struct Faults {
    std::int64_t nan_at = -1, signal_at = -1;  ///< environment steps
  };
  Accumulator(Exec const& exec, VectorEnvConfig const& config, Faults faults)
      : env_(exec, config), faults_(faults) {}

  void collect() override {
    env_.step_random();
    steps_ += env_.num_envs();
    if (steps_ == faults_.signal_at) raise(SIGTERM);
  }
  void update() override {
    for (float const x : env_.host_observation()) weight_ = 0.9F * weight_ + x;
  }
  std::int64_t env_steps() const override { return steps_; }
  void act(InRows<float>, OutRows<float> action, ActMode) override {
    for (int r = 0; r < action.rows; ++r) action.row(r)[0] = 0;
  }
  Metrics metrics() override {
    bool const broken = steps_ == faults_.nan_at;
    double const loss = broken ? std::numeric_limits<double>::quiet_NaN() : double{weight_};
    return {{"loss", loss}, {kReturnMetric, 1.5}};
  }
  void save(Checkpoint& file) override {
    file.put("weight", std::vector<float>{weight_});
    file.put("env", env_.host_memory());
    file.state()["steps"] = steps_;
  }
  void load(Checkpoint const& file) override {
    weight_ = file.get<float>("weight")[0];
    env_.set_host_memory(file.get<float>("env"));
    steps_ = file.state_at<std::int64_t>("steps");
  }

 private:
  VectorEnv env_;
  Faults faults_;
  std::int64_t steps_ = 0;
  float weight_ = 0;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() : sink_(std::fopen("/dev/null", "w")) {}
  ~TrainerTest() override { std::fclose(sink_); }

  Recipe recipe(std::int64_t total_steps) {
    Recipe r;
    r.run = std::make_unique<RunConfig>();
    r.run->algorithm = "accumulator";
    r.run->environment = "CartPole";
    r.run->num_envs = 10;
    r.run->total_steps = total_steps;
    r.run->eval_episodes = 5;
    r.run->keys(r.settings);
    r.learner.make = [this](Exec const& exec, VectorEnvConfig const& config) {
      return std::make_unique<Accumulator>(exec, config, faults_);
    };
    return r;
  }

  Outcome train(Recipe const& r, std::string const& name, RunDirectory::Open how) {
    Learner learner(r, device_.exec());
    RunDirectory const directory(scratch_ / name, how);
    Progress progress(name, sink_);
    return Trainer(r, device_, learner, directory, how, progress).run();
  }
  std::string checkpoint(std::string const& name) {
    return contents(scratch_ / name / "checkpoint.safetensors");
  }

  Scratch scratch_;
  std::FILE* sink_;
  Device device_{"cpu", 1};
  Accumulator::Faults faults_;
};

constexpr auto kFresh = RunDirectory::Open::fresh;
constexpr auto kResume = RunDirectory::Open::resume;

TEST_F(TrainerTest, LeavesLogConfigAndCheckpoint) {
  Outcome const outcome = train(recipe(200), "a", kFresh);
  EXPECT_EQ(outcome.ending, Ending::total_steps);
  EXPECT_EQ(outcome.steps, 200);
  ASSERT_TRUE(outcome.evaluation.has_value());
  EXPECT_EQ(outcome.evaluation->returns.size(), 5U);
  EXPECT_GT(outcome.evaluation->lowest(), 5);  // a pole pushed one way takes some steps to fall
  EXPECT_LT(outcome.evaluation->highest(), 15);
  MetricsTable const table = read_metrics(scratch_ / "a" / "metrics.csv");
  EXPECT_EQ(table.series("loss").size(), 20U);
  EXPECT_EQ(table.series(kEvaluationMetric).size(), 1U);
  EXPECT_NE(contents(scratch_ / "a" / "config.toml").find("num_envs = 10\n"), std::string::npos);
}

TEST_F(TrainerTest, ResumesToTheSameBytes) {
  train(recipe(300), "whole", kFresh);
  train(recipe(120), "part", kFresh);
  // total_steps is part of the recipe that the checkpoint holds: the resumed run has the whole
  // one's.
  Outcome const outcome = train(recipe(300), "part", kResume);
  EXPECT_EQ(outcome.steps, 300);
  EXPECT_EQ(outcome.steps_here, 180);
  EXPECT_EQ(checkpoint("part"), checkpoint("whole"));
}

TEST_F(TrainerTest, EvaluatesAtStepsAndNotByTheClock) {
  Recipe r = recipe(300);
  r.run->eval_every = 95;
  r.run->log_every = 4;
  train(r, "a", kFresh);
  std::vector<std::pair<double, double>> const points =
      read_metrics(scratch_ / "a" / "metrics.csv").series(kEvaluationMetric);
  std::vector<double> steps;
  for (auto const& [step, value] : points) steps.push_back(step);
  EXPECT_EQ(steps, (std::vector<double>{100, 190, 290, 300}));
}

TEST_F(TrainerTest, EndsEarlyAtStopReturn) {
  Recipe r = recipe(1000);
  r.run->eval_every = 50;
  r.run->stop_return = 5;
  EXPECT_EQ(train(r, "a", kFresh).ending, Ending::stop_return);
  Outcome const again = train(r, "a", kResume);
  EXPECT_EQ(again.steps, 50);
  EXPECT_EQ(again.steps_here, 0);
}

TEST_F(TrainerTest, SavesOnASignalAndGoesOnFromThere) {
  train(recipe(300), "whole", kFresh);
  faults_.signal_at = 140;
  Outcome const outcome = train(recipe(300), "stopped", kFresh);
  EXPECT_EQ(outcome.ending, Ending::signal);
  EXPECT_EQ(outcome.signal, SIGTERM);
  EXPECT_EQ(outcome.steps, 140);
  faults_.signal_at = -1;
  EXPECT_EQ(train(recipe(300), "stopped", kResume).ending, Ending::total_steps);
  EXPECT_EQ(checkpoint("stopped"), checkpoint("whole"));
}

TEST_F(TrainerTest, StopsAtANumberThatIsNoneAndKeepsTheCheckpoint) {
  faults_.nan_at = 150;
  Recipe r = recipe(300);
  r.run->checkpoint_every_s = 0;
  try {
    train(r, "a", kFresh);
    FAIL() << "no error";
  } catch (Error const& e) {
    EXPECT_STREQ(e.what(),
                 "accumulator: loss is nan at step 150 (the checkpoint of step 140 is kept)");
  }
  train(recipe(140), "b", kFresh);
  EXPECT_EQ(Checkpoint::read(scratch_ / "a" / "checkpoint.safetensors").get<float>("weight"),
            Checkpoint::read(scratch_ / "b" / "checkpoint.safetensors").get<float>("weight"));
}

}  // namespace
}  // namespace loom
