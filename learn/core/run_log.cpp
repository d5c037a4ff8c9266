#include <unistd.h>
#include <kernels/core/error.hpp>
#include <learn/core/run_log.hpp>
#include <learn/core/tensorboard.hpp>
#include <learn/core/text.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <system_error>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEventPrefix = "events.out.tfevents.";
constexpr std::string_view kEventSuffix = ".dreamloom";

double now_s() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

/// Our event files in the directory; those of other programs have another suffix.
std::vector<fs::path> event_files(fs::path const& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error)) {
    std::string const name = i->path().filename().string();
    if (name.starts_with(kEventPrefix) && name.ends_with(kEventSuffix)) files.push_back(i->path());
  }
  require<IoError>(!error, directory.string(), ": cannot list: ", error.message());
  return files;
}

/// events.out.tfevents.<seconds>.<host>.<process>.dreamloom; TensorBoard reads a directory's files
/// in the order of their names, so a resumed run's must be the last.
fs::path new_event_file(fs::path const& directory, bool fresh) {
  auto seconds = static_cast<std::int64_t>(now_s());
  for (fs::path const& file : event_files(directory)) {
    if (fresh) {
      std::error_code error;
      require<IoError>(fs::remove(file, error), file.string(),
                       ": cannot remove: ", error.message());
      continue;
    }
    std::string const name = file.filename().string();
    std::int64_t earlier = 0;
    std::from_chars(name.data() + kEventPrefix.size(), name.data() + name.size(), earlier);
    // Digits of any other kind of name are no time.
    if (earlier < 9'999'999'999) seconds = std::max(seconds, earlier + 1);
  }
  char host[256] = "localhost";
  static_cast<void>(::gethostname(host, sizeof host - 1));  // a name for people; any will do
  std::string time = std::to_string(seconds);
  time.insert(0, 10 - std::min<std::size_t>(time.size(), 10), '0');
  return directory / (std::string(kEventPrefix) + time + "." + host + "." +
                      std::to_string(::getpid()) + std::string(kEventSuffix));
}

fs::path made(fs::path const& directory) {
  make_directories(directory);
  return directory;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// The complete lines; one that the end of the process cut off is none.
std::vector<std::string_view> lines_of(std::string_view text) {
  auto lines = split(text, '\n');
  lines.pop_back();
  return lines;
}

std::string header_line(std::vector<std::string> const& columns) {
  std::string line = "step";
  for (auto const& column : columns) line += "," + column;
  return line + "\n";
}

}  // namespace

RunLog::RunLog(fs::path const& directory, std::optional<std::int64_t> resume_step)
    : csv_(made(directory) / "metrics.csv",
           resume_step ? AppendFile::Mode::extend : AppendFile::Mode::replace),
      events_(new_event_file(directory, !resume_step), AppendFile::Mode::replace),
      last_step_(std::numeric_limits<std::int64_t>::min()) {
  events_.append(tensorboard::record(tensorboard::version_event(now_s())));
  if (resume_step) resume(*resume_step);
}

void RunLog::resume(std::int64_t step) {
  std::string const text = read_whole(csv_.path());
  auto const lines = lines_of(text);
  std::vector<std::string_view> names;
  std::vector<std::vector<std::string_view>> rows;
  if (!lines.empty()) {
    names = split(lines[0], ',');
    require<IoError>(names[0] == "step", csv_.path().string(),
                     ": not the metrics of a run (its first column is no step)");
  }
  // A column that only dropped rows had will come again in its place.
  std::vector<bool> used(names.size());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto cells = split(lines[i], ',');
    std::int64_t row_step = 0;
    char const* const end = cells[0].data() + cells[0].size();
    auto const parsed = std::from_chars(cells[0].data(), end, row_step);
    require<IoError>(cells.size() == names.size() && parsed.ec == std::errc{} && parsed.ptr == end,
                     csv_.path().string(), ": line ", i + 1, " is damaged (remove it or the file)");
    if (row_step > step) continue;
    for (std::size_t c = 0; c < cells.size(); ++c) used[c] = used[c] || !cells[c].empty();
    rows.push_back(std::move(cells));
  }
  for (std::size_t c = 1; c < names.size(); ++c) {
    if (used[c]) columns_.emplace_back(names[c]);
  }
  std::string kept = rows.empty() ? "" : header_line(columns_);
  for (auto const& cells : rows) {
    kept += cells[0];
    for (std::size_t c = 1; c < cells.size(); ++c) {
      if (used[c]) (kept += ",") += cells[c];
    }
    kept += "\n";
  }
  write_whole(csv_.path(), kept);
  reopen_csv();
  last_step_ = step;
  events_.append(tensorboard::record(tensorboard::restart_event(now_s(), step + 1)));
}

void RunLog::add_columns(Metrics const& metrics) {
  auto columns = columns_;
  for (auto const& [name, value] : metrics) {
    require<ConfigError>(
        !name.empty() && name != "step" && name.find_first_of(",\"\n\r") == name.npos,
        "run log: a metric cannot be called ", toml_quoted(name));
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  }
  if (columns.size() == columns_.size()) return;
  std::string const cells(columns.size() - columns_.size(), ',');
  std::string const text = read_whole(csv_.path());
  auto const lines = lines_of(text);
  std::string wider = header_line(columns);
  for (std::size_t i = 1; i < lines.size(); ++i) ((wider += lines[i]) += cells) += "\n";
  write_whole(csv_.path(), wider);
  reopen_csv();
  columns_ = std::move(columns);
}

void RunLog::add(std::int64_t step, Metrics const& metrics) {
  require<ConfigError>(step >= last_step_, "run log: step ", step, " after step ", last_step_);
  if (metrics.empty()) return;  // nothing to say
  add_columns(metrics);
  std::string row = std::to_string(step);
  for (auto const& column : columns_) {
    auto const found = std::find_if(metrics.begin(), metrics.end(),
                                    [&](auto const& metric) { return metric.first == column; });
    row += ",";
    if (found != metrics.end()) row += shortest(found->second);
  }
  csv_.append(row + "\n");
  events_.append(tensorboard::record(tensorboard::scalars_event(now_s(), step, metrics)));
  last_step_ = step;
}

void RunLog::sync() {
  csv_.sync();
  events_.sync();
}

}  // namespace loom
