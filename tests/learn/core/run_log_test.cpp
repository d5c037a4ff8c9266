#include <gtest/gtest.h>
#include <kernels/core/error.hpp>
#include <learn/core/run_log.hpp>
#include <learn/core/tensorboard.hpp>
#include <tests/learn/core/scratch.hpp>

#include <cmath>

namespace loom {
namespace {

namespace fs = std::filesystem;

std::string csv(Scratch const& scratch) { return read_whole(scratch / "metrics.csv"); }

std::vector<fs::path> event_files(Scratch const& scratch) {
  std::vector<fs::path> files;
  for (auto const& entry : fs::directory_iterator(scratch.path())) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A run whose second metric appears late.
void rows(RunLog& log, std::int64_t from, std::int64_t to) {
  for (std::int64_t step = from; step <= to; ++step) {
    auto const x = static_cast<double>(step);
    Metrics metrics{{"loss", 1 / x}};
    if (step % 3 == 0) metrics.emplace_back("evaluation", 100 * x);
    if (step >= 8) metrics.emplace_back("late", x);
    log.add(step, metrics);
  }
}

TEST(TensorBoard, EventsEqualTheReferenceWriters) {
  using namespace tensorboard;
  std::string const ours = record(version_event(1700000000.25)) +
                           record(restart_event(1700000001.5, 4096)) +
                           record(scalars_event(1700000002.75, 10'000'000'000,
                                                {{"loss/policy", -0.125}, {"return", 475}}));
  EXPECT_EQ(ours, read_whole(DREAMLOOM_SOURCE_DIR "/tests/fixtures/files/reference.tfevents"));
}

TEST(RunLog, WritesOneRowAStep) {
  Scratch const scratch;
  RunLog log(scratch.path());
  log.add(10, {{"return", 9.5}, {"loss", 0.1}});
  EXPECT_EQ(csv(scratch), "step,return,loss\n10,9.5,0.1\n");  // there before the log closes
  log.add(20, {{"loss", std::nan("")}, {"return", -INFINITY}});
  log.add(30, {{"loss", 1e300}});
  log.add(40, {});
  log.sync();
  EXPECT_EQ(csv(scratch), "step,return,loss\n10,9.5,0.1\n20,-inf,nan\n30,,1e+300\n");
}

TEST(RunLog, MakesRoomForNewColumns) {
  Scratch const scratch;
  RunLog log(scratch.path());
  log.add(1, {{"a", 1}});
  log.add(2, {{"c", 3}, {"a", 2}, {"b", 4}});
  log.add(3, {{"b", 5}});
  EXPECT_EQ(csv(scratch), "step,a,c,b\n1,1,,\n2,2,3,4\n3,,,5\n");
}

TEST(RunLog, ResumesAsIfNothingHadHappened) {
  Scratch const whole, parts;
  {
    RunLog log(whole.path());
    rows(log, 1, 12);
  }
  for (std::int64_t const checkpoint : {0, 2, 5, 9}) {
    for (std::int64_t const killed : {5, 9, 11}) {
      if (killed < checkpoint) continue;
      {
        RunLog log(parts.path());
        rows(log, 1, killed);
      }
      {  // the kill may leave half a row
        AppendFile file(parts / "metrics.csv", AppendFile::Mode::extend);
        file.append("12,0.0");
      }
      RunLog log(parts.path(), checkpoint);
      rows(log, checkpoint + 1, 12);
      EXPECT_EQ(csv(parts), csv(whole)) << checkpoint << " " << killed;
    }
  }
}

TEST(RunLog, LeavesNoTraceOfDroppedColumns) {
  Scratch const scratch;
  {
    RunLog log(scratch.path());
    rows(log, 1, 9);
  }
  { RunLog const log(scratch.path(), 2); }
  EXPECT_EQ(csv(scratch), "step,loss\n1,1\n2,0.5\n");
}

TEST(RunLog, ResumesWithoutAnEarlierLog) {
  Scratch const scratch;
  RunLog log(scratch / "new/run", 5);
  log.add(6, {{"a", 1}});
  EXPECT_EQ(read_whole(scratch / "new/run/metrics.csv"), "step,a\n6,1\n");
}

TEST(RunLog, WritesEventsThatTensorBoardFinds) {
  Scratch const scratch;
  write_whole(scratch / "events.out.tfevents.1.other", "of another program");
  {
    RunLog log(scratch.path());
    log.add(3, {{"a", 1}});
  }
  {
    RunLog log(scratch.path(), 3);
    log.add(4, {{"a", 2}});
  }
  auto const files = event_files(scratch);
  ASSERT_EQ(files.size(), 3U);  // the resumed run's is the last by name
  // Frames are 16 bytes around the event; the wall time's value is free.
  auto const size = [](std::string const& event) { return event.size() + 16; };
  std::size_t const version = size(tensorboard::version_event(1));
  std::size_t const scalar = size(tensorboard::scalars_event(1, 3, {{"a", 1}}));
  EXPECT_EQ(fs::file_size(files[1]), version + scalar);
  EXPECT_EQ(fs::file_size(files[2]), version + size(tensorboard::restart_event(1, 4)) + scalar);
  { RunLog const log(scratch.path()); }
  EXPECT_EQ(event_files(scratch).size(), 2U);  // a fresh log replaces ours and no others
}

TEST(RunLog, RefusesWhatItCannotHold) {
  Scratch const scratch;
  RunLog log(scratch.path());
  EXPECT_EQ(message_of<ConfigError>([&] {
              log.add(1, {{"a,b", 1}});
            }),
            "run log: a metric cannot be called \"a,b\"");
  EXPECT_EQ(message_of<ConfigError>([&] {
              log.add(1, {{"step", 1}});
            }),
            "run log: a metric cannot be called \"step\"");
  log.add(2, {{"a", 1}});
  EXPECT_EQ(message_of<ConfigError>([&] {
              log.add(1, {{"a", 1}});
            }),
            "run log: step 1 after step 2");
}

TEST(RunLog, NamesTheDamagedLine) {
  Scratch const scratch;
  std::string const path = (scratch / "metrics.csv").string();
  write_whole(path, "step,a\n1,2\n2,3,4\n3,4\n");
  EXPECT_EQ(message_of<IoError>([&] { RunLog(scratch.path(), 3); }),
            path + ": line 3 is damaged (remove it or the file)");
  write_whole(path, "time,a\n1,2\n");
  EXPECT_EQ(message_of<IoError>([&] { RunLog(scratch.path(), 3); }),
            path + ": not the metrics of a run (its first column is no step)");
}

TEST(RunLog, NamesADirectoryThatCannotBeWritten) {
  Scratch const scratch;
  write_whole(scratch / "file", "");
  EXPECT_EQ(message_of<IoError>([&] { RunLog(scratch / "file/run"); }),
            (scratch / "file/run").string() + ": cannot make the directory: Not a directory");
}

}  // namespace
}  // namespace loom
