// dreamloom plot: one picture of several runs.
#include <fmt/format.h>
#include <algorithm>
#include <kernels/core/names.hpp>
#include <learn/core/atomic_file.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/metrics_table.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// Throws ConfigError when there is no such run or it never measured that.
Series curve_of(std::string const& run, std::string const& metric) {
  fs::path const file = fs::path(run) / "metrics.csv";
  std::error_code error;
  require<ConfigError>(fs::is_regular_file(file, error), run, ": is no run (needs a metrics.csv)");
  MetricsTable const table = read_metrics(file);
  auto const found = std::find(table.columns.begin(), table.columns.end(), metric);
  if (found == table.columns.end()) {
    fail<ConfigError>(run, ": ", unknown_name("metric", metric, table.columns));
  }
  Series series{fs::path(run).filename().string(), {}, {}, {}, {}};
  for (auto const& [step, value] : table.series(metric)) {
    series.x.push_back(step);
    series.y.push_back(value);
  }
  return series;
}

}  // namespace

int plot(PlotOptions const& o) {
  require<ConfigError>(fs::path(o.out).extension() == ".svg", o.out,
                       ": cannot draw this (needs a name in .svg)");
  std::vector<Series> runs;
  for (std::string const& run : o.runs) runs.push_back(curve_of(run, o.metric));
  Plot picture;
  picture.title = o.title;
  picture.x_label = "environment steps";
  picture.y_label = o.metric;
  if (o.mean) {
    picture.series.push_back(mean_of(fmt::format("mean of {} runs", runs.size()), runs));
  } else {
    picture.series = std::move(runs);
  }
  write_whole(o.out, svg(picture));
  fmt::print("{}\n", o.out);
  return 0;
}

}  // namespace loom
