#include <algorithm>
#include <cmath>
#include <kernels/core/error.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

/// The finite points of a run, x ascending.
std::vector<std::pair<double, double>> points_of(Series const& run) {
  require(run.x.size() == run.y.size(), "mean_of: run '", run.name, "' has ", run.x.size(), " x, ",
          run.y.size(), " y");
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < run.x.size(); ++i)
    if (std::isfinite(run.x[i]) && std::isfinite(run.y[i])) points.emplace_back(run.x[i], run.y[i]);
  std::stable_sort(points.begin(), points.end(),
                   [](auto const& a, auto const& b) { return a.first < b.first; });
  return points;
}

/// The value at x, on the straight line between neighbours.
double value_at(std::vector<std::pair<double, double>> const& points, double x) {
  auto const right = std::lower_bound(points.begin(), points.end(), x,
                                      [](auto const& p, double v) { return p.first < v; });
  if (right->first == x || right == points.begin()) return right->second;
  auto const left = right - 1;
  double const t = (x - left->first) / (right->first - left->first);
  return left->second + t * (right->second - left->second);
}

}  // namespace

Series mean_of(std::string name, std::vector<Series> const& runs) {
  require(!runs.empty(), "mean_of: no runs for '", name, "'");
  std::vector<std::vector<std::pair<double, double>>> all;
  for (Series const& run : runs) {
    auto points = points_of(run);
    if (!points.empty()) all.push_back(std::move(points));
  }
  Series mean{std::move(name), {}, {}, {}, {}};
  if (all.empty()) return mean;

  // Where every run has a value.
  double from = all[0].front().first, to = all[0].back().first;
  for (auto const& points : all) {
    from = std::max(from, points.front().first);
    to = std::min(to, points.back().first);
    for (auto const& point : points) mean.x.push_back(point.first);
  }
  std::sort(mean.x.begin(), mean.x.end());
  mean.x.erase(std::unique(mean.x.begin(), mean.x.end()), mean.x.end());
  std::erase_if(mean.x, [&](double x) { return x < from || x > to; });

  auto const n = static_cast<double>(all.size());
  for (double const x : mean.x) {
    double sum = 0, squares = 0;
    for (auto const& points : all) sum += value_at(points, x);
    for (auto const& points : all) squares += std::pow(value_at(points, x) - sum / n, 2);
    double const deviation = all.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
    mean.y.push_back(sum / n);
    mean.low.push_back(sum / n - deviation);
    mean.high.push_back(sum / n + deviation);
  }
  return mean;
}

}  // namespace loom
