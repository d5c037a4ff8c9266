#pragma once
// What a training run shows while it works.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace loom {

struct ProgressState {
  std::int64_t steps = 0;  ///< taken, over all instances
  std::int64_t total = 0;  ///< wanted
  double steps_per_s = 0;  ///< now
  std::optional<double> mean_return;
};

/// One line of at most `width` columns; with colours and a bar on a terminal.
std::string progress_bar(std::string const& name, ProgressState const& state, int width);
/// "1,048,576 of 5,000,000 steps, 2.31 M steps/s, return 312.4, 3 s left"
std::string progress_line(ProgressState const& state);

/// "950", "1.25 k", "2.3 M", "4.1 G".
std::string with_prefix(double value);
/// "1,048,576"
std::string with_commas(std::int64_t value);
/// "3 s", "2:05", "1:02:05"
std::string clock_text(double seconds);

/// Draws the state in place when the stream is a terminal, else a plain line every few seconds.
/// Never more than about 20 times a second, so update() may be called after every iteration.
class Progress {
 public:
  Progress(std::string name, std::FILE* stream);
  ~Progress();
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// seconds: since training began in this process, for the clock of the drawing.
  void update(ProgressState const& state, double seconds);
  /// A line of its own, above the bar.
  void note(std::string const& line);
  /// Draws the last state and ends the line.
  void finish(ProgressState const& state);

 private:
  void draw(ProgressState const& state);

  std::string name_;
  std::FILE* stream_;
  bool terminal_;
  bool drawn_ = false;
  double next_s_ = 0;
};

}  // namespace loom
