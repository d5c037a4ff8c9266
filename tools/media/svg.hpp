#pragma once
// Learning curves as an SVG file: vector graphics that browsers and code hosts show as they are.
#include <string>
#include <vector>

namespace loom {

/// One line of a plot. Points that are not finite, or beyond 1e300, interrupt it.
struct Series {
  std::string name;
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< a band around the line; both empty for none
};

/// A horizontal line to compare with: what counts as solved, what a random policy gets.
struct Reference {
  std::string name;
  double y;
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  std::vector<Reference> references = {};
  int width = 760, height = 440;
};

/// The whole file. Without a single finite point it shows empty axes.
/// Errors  ShapeError when the columns of a series differ in length.
std::string svg(Plot const& plot);

/// Several runs (seeds) as one line: their mean, and a band of one standard deviation on either
/// side, at every x of any run that lies within all of them. Their bands are not looked at. Errors
/// ShapeError without a run or when columns differ in length.
Series mean_of(std::string name, std::vector<Series> const& runs);

}  // namespace loom
