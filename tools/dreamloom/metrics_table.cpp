#include <tools/dreamloom/metrics_table.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace loom {
namespace {

template <class F>
void for_each_cell(std::string_view line, F const& f) {
  while (true) {
    auto const comma = line.find(',');
    f(line.substr(0, comma));
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

std::optional<double> number(std::string_view cell) {
  double value = 0;
  auto const r = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (r.ec != std::errc{} || r.ptr != cell.data() + cell.size()) return {};
  return value;
}

}  // namespace

std::vector<std::pair<double, double>> MetricsTable::series(std::string const& column) const {
  std::vector<std::pair<double, double>> points;
  auto const found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end()) return points;
  auto const c = static_cast<std::size_t>(found - columns.begin());
  for (auto const& row : rows) {
    if (c < row.size() && row[c] && row[0]) points.emplace_back(*row[0], *row[c]);
  }
  return points;
}

std::optional<double> MetricsTable::last(std::string const& column) const {
  auto const points = series(column);
  if (points.empty()) return {};
  return points.back().second;
}

MetricsTable read_metrics(std::filesystem::path const& path) {
  MetricsTable table;
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return table;
  for_each_cell(line, [&](std::string_view cell) { table.columns.emplace_back(cell); });
  while (std::getline(file, line)) {
    auto& row = table.rows.emplace_back();
    for_each_cell(line, [&](std::string_view cell) { row.push_back(number(cell)); });
  }
  return table;
}

}  // namespace loom
