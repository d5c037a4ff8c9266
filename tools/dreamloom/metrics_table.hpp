#pragma once
// metrics.csv read back, for curves and for the clock of a resumed run.
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace loom {

struct MetricsTable {
  std::vector<std::string> columns;                      ///< with "step"
  std::vector<std::vector<std::optional<double>>> rows;  ///< empty cells hold nothing

  /// (step, value) wherever the column has one; empty when there is no such column.
  std::vector<std::pair<double, double>> series(std::string const& column) const;
  /// The column's last value.
  std::optional<double> last(std::string const& column) const;
};

/// Whatever is not a number counts as an empty cell; a file that is not there is an empty table.
MetricsTable read_metrics(std::filesystem::path const& path);

}  // namespace loom
