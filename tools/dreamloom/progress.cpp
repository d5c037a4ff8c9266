#include <tools/dreamloom/progress.hpp>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace loom {
namespace {

constexpr double kTerminalPeriod_s = 0.05, kPlainPeriod_s = 5;

int terminal_width(std::FILE* stream) {
  winsize size{};
  bool const known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

bool utf8_locale() {
  for (char const* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    char const* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return std::strstr(value, "UTF-8") != nullptr || std::strstr(value, "utf8") != nullptr;
  }
  return false;
}

double fraction_of(ProgressState const& s) {
  if (s.total <= 0) return 0;
  return std::clamp(static_cast<double>(s.steps) / static_cast<double>(s.total), 0.0, 1.0);
}

std::string seconds_left(ProgressState const& s) {
  if (s.steps_per_s <= 0) return "";
  return clock_text(static_cast<double>(std::max<std::int64_t>(s.total - s.steps, 0)) /
                    s.steps_per_s);
}

/// `cells` columns; with eighths of a block where the terminal has them.
std::string bar(double fraction, int cells, bool utf8) {
  if (!utf8) {
    auto const full = static_cast<std::size_t>(std::floor(fraction * cells));
    return "[" + std::string(full, '#') + std::string(static_cast<std::size_t>(cells) - full, '.') +
           "]";
  }
  static constexpr char const* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int const eighths = static_cast<int>(std::floor(fraction * cells * 8));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  int const used = eighths / 8 + (eighths % 8 != 0 ? 1 : 0);
  for (int i = used; i < cells; ++i) text += "·";
  return text;
}

}  // namespace

std::string with_prefix(double value) {
  static constexpr char const* kPrefixes[] = {"", " k", " M", " G", " T"};
  std::size_t prefix = 0;
  while (std::abs(value) >= 999.5 && prefix + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++prefix;
  }
  return fmt::format("{:.3g}{}", value, kPrefixes[prefix]);
}

std::string with_commas(std::int64_t value) {
  std::string digits = std::to_string(value);
  std::size_t const first = value < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string clock_text(double seconds) {
  auto const s = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string progress_bar(std::string const& name, ProgressState const& s, int width) {
  std::string const left = seconds_left(s);
  std::string tail =
      fmt::format(" {:3.0f} %  {}/{} steps  {} steps/s", 100 * fraction_of(s),
                  with_prefix(static_cast<double>(s.steps)),
                  with_prefix(static_cast<double>(s.total)), with_prefix(s.steps_per_s));
  if (s.mean_return) tail += fmt::format("  return {:.1f}", *s.mean_return);
  if (!left.empty()) tail += "  ETA " + left;
  int const room = width - 1 - static_cast<int>(name.size() + 1 + tail.size()) - 2;
  std::string line = name + " ";
  if (room >= 5) line += bar(fraction_of(s), std::min(room, 40), utf8_locale());
  line += tail;
  return room >= 5 ? line : line.substr(0, static_cast<std::size_t>(std::max(width - 1, 1)));
}

std::string progress_line(ProgressState const& s) {
  std::string line = fmt::format("{} of {} steps, {} steps/s", with_commas(s.steps),
                                 with_commas(s.total), with_prefix(s.steps_per_s));
  if (s.mean_return) line += fmt::format(", return {:.1f}", *s.mean_return);
  std::string const left = seconds_left(s);
  if (!left.empty()) line += ", " + left + " left";
  return line;
}

Progress::Progress(std::string name, std::FILE* stream)
    : name_(std::move(name)),
      stream_(stream),
      terminal_(isatty(fileno(stream)) == 1),
      next_s_(terminal_ ? 0 : kPlainPeriod_s) {}

Progress::~Progress() {
  if (terminal_ && drawn_) fmt::print(stream_, "\n");
}

void Progress::draw(ProgressState const& state) {
  if (terminal_) {
    fmt::print(stream_, "\r{}\x1b[K", progress_bar(name_, state, terminal_width(stream_)));
  } else {
    fmt::print(stream_, "{}: {}\n", name_, progress_line(state));
  }
  std::fflush(stream_);
  drawn_ = true;
}

void Progress::update(ProgressState const& state, double seconds) {
  if (seconds < next_s_) return;
  next_s_ = seconds + (terminal_ ? kTerminalPeriod_s : kPlainPeriod_s);
  draw(state);
}

void Progress::note(std::string const& line) {
  fmt::print(stream_, "{}{}\n", terminal_ && drawn_ ? "\r\x1b[K" : "", line);
  std::fflush(stream_);
  drawn_ = false;
}

void Progress::finish(ProgressState const& state) {
  draw(state);
  if (terminal_) fmt::print(stream_, "\n");
  std::fflush(stream_);
  drawn_ = false;
}

}  // namespace loom
