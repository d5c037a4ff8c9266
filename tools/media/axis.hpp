#pragma once
// Round numbers along an axis.
#include <string>
#include <vector>

namespace loom {

/// A range that ends on ticks, and the ticks: multiples of 1, 2 or 5 times a power of ten.
struct Axis {
  double low, high, step;
  std::vector<double> ticks;
  bool widened;  ///< from a range without extent

  /// What is beyond counts as this: ticks can be counted up to here.
  static constexpr double kMost = 1e300;

  /// About `count` steps over at least [low, high]; a range without extent is widened.
  Axis(double low, double high, int count);

  /// 0.25, 1500, 200k, 1.5M: as short as the step allows.
  std::string label(double tick) const;
};

}  // namespace loom
