#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <kernels/core/error.hpp>
#include <limits>
#include <sstream>
#include <string_view>
#include <tools/media/axis.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_text(std::string_view part) {
  for (std::size_t at = part.find('&'); at != part.npos; at = part.find('&', at + 1)) {
    std::string_view const entity = part.substr(at, part.find(';', at) - at);
    if (entity != "&amp" && entity != "&lt" && entity != "&gt" && entity != "&quot") return false;
  }
  return part.find_first_of("<>") == part.npos;
}

/// Whether every tag that opens closes, attributes are quoted and text is escaped. By hand:
/// std::regex recurses once a letter, and the paths are long.
bool well_formed(std::string_view xml) {
  std::vector<std::string_view> open;
  std::size_t at = 0;
  for (std::size_t tag = xml.find('<'); tag != xml.npos; tag = xml.find('<', at)) {
    if (!is_text(xml.substr(at, tag - at))) return false;
    // The end of the tag: the first > outside of quotes.
    std::size_t end = tag + 1;
    for (bool quoted = false; end < xml.size() && (quoted || xml[end] != '>'); ++end)
      if (xml[end] == '"') quoted = !quoted;
    if (end == xml.size()) return false;
    std::string_view const inner = xml.substr(tag + 1, end - tag - 1);
    if (!is_text(inner) || std::count(inner.begin(), inner.end(), '"') !=
                               2 * std::count(inner.begin(), inner.end(), '='))
      return false;
    if (inner.starts_with('/')) {
      if (open.empty() || open.back() != inner.substr(1)) return false;
      open.pop_back();
    } else if (!inner.ends_with('/')) {
      open.push_back(inner.substr(0, inner.find(' ')));
    }
    at = end + 1;
  }
  return open.empty() && xml.find_first_not_of('\n', at) == xml.npos;
}

int count(std::string const& text, std::string const& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The points of the last line that is drawn.
std::vector<std::pair<double, double>> line_points(std::string const& xml) {
  std::size_t const begin = xml.rfind("<path d=\"") + 9;
  std::string data = xml.substr(begin, xml.find('"', begin) - begin);
  std::replace_if(
      data.begin(), data.end(), [](char c) { return c == 'M' || c == 'L'; }, ' ');
  std::istringstream numbers(data);
  std::vector<std::pair<double, double>> points;
  for (double x, y; numbers >> x >> y;) points.emplace_back(x, y);
  return points;
}

/// Where the label of a tick stands.
std::pair<double, double> label_at(std::string const& xml, std::string const& label) {
  std::size_t const end = xml.find(">" + label + "</text>");
  std::size_t const begin = xml.rfind("<text", end);
  double x = kNan, y = kNan;
  if (end != xml.npos) {
    EXPECT_EQ(std::sscanf(xml.c_str() + begin, "<text x=\"%lf\" y=\"%lf\"", &x, &y), 2);
  }
  return {x, y};
}

TEST(Svg, PointsLandWhereTheirTicksSay) {
  Plot const plot{"t", "x", "y", {{"a", {0, 500, 1000}, {0, 250, 100}, {}, {}}}};
  std::string const xml = svg(plot);
  auto const points = line_points(xml);
  ASSERT_EQ(points.size(), 3U);
  EXPECT_NEAR(points[0].first, label_at(xml, "0").first + 10, 0.02);  // the y axis' 0
  EXPECT_NEAR(points[1].first, label_at(xml, "400").first * 0.5 + label_at(xml, "600").first * 0.5,
              0.02);
  EXPECT_NEAR(points[1].second, label_at(xml, "250").second - 4, 0.02);
  EXPECT_NEAR(points[2].first, label_at(xml, "1000").first, 0.02);
  EXPECT_NEAR(points[2].second, label_at(xml, "100").second - 4, 0.02);
}

TEST(Svg, IsWellFormedWhateverTheTexts) {
  std::string const rude = "a<b> & \"c\" 'd' \x01</text>";
  Plot plot{rude, rude, rude, {}, {{rude, 3}}};
  for (int i = 0; i < 12; ++i)
    plot.series.push_back({rude, {0, 1, 2, 3}, {1, kNan, 2, 1e6}, {0, kNan, 1, 0}, {2, 3, 3, 2e6}});
  EXPECT_TRUE(well_formed(svg(plot)));
  EXPECT_TRUE(well_formed(svg({"", "", "", {}, {}})));
  EXPECT_TRUE(well_formed(svg({"", "", "", {{"one", {5}, {5}, {}, {}}}, {}})));
  EXPECT_TRUE(well_formed(svg({"", "", "", {{"none", {kNan, 1}, {2, kNan}, {}, {}}}, {}})));
  EXPECT_TRUE(
      well_formed(svg({"", "", "", {{"huge", {0, 1, 2}, {-1e308, 1e308, 1e299}, {}, {}}}, {}})));
  EXPECT_EQ(svg(plot).find("nan"), std::string::npos);
  EXPECT_FALSE(well_formed("<a><b></a></b>"));
}

TEST(Svg, ANumberThatIsMissingInterruptsTheLine) {
  Plot const plot{"t", "x", "y", {{"a", {0, 1, 2, 3, 4}, {1, 2, kNan, 2, 1}, {}, {}}}};
  EXPECT_EQ(count(svg(plot), "fill=\"none\""), 2);
}

TEST(Svg, LongSeriesStaySmall) {
  Series s{"a", {}, {}, {}, {}};
  for (int i = 0; i < 100000; ++i) {
    s.x.push_back(i);
    s.y.push_back(std::sin(1e-4 * i));
    s.low.push_back(-1);
    s.high.push_back(1);
  }
  std::string const xml = svg({"t", "x", "y", {s}});
  EXPECT_LT(xml.size(), 100000U);
  EXPECT_TRUE(well_formed(xml));
}

TEST(Svg, ColumnsOfDifferentLengthsAreNamed) {
  EXPECT_THROW(svg({"", "", "", {{"a", {1, 2}, {1}, {}, {}}}}), ShapeError);
  EXPECT_THROW(svg({"", "", "", {{"a", {1, 2}, {1, 2}, {1}, {1}}}}), ShapeError);
  EXPECT_THROW(mean_of("a", {}), ShapeError);
}

TEST(Axis, TicksAreRoundAndShort) {
  Axis const steps(0, 3.2e6, 6);
  EXPECT_DOUBLE_EQ(steps.step, 5e5);
  EXPECT_EQ(steps.label(5e5), "0.5M");
  EXPECT_EQ(steps.label(3e6), "3M");
  Axis const returns(-1483, -130, 6);
  EXPECT_DOUBLE_EQ(returns.step, 200);
  EXPECT_DOUBLE_EQ(returns.low, -1600);
  EXPECT_EQ(returns.label(-1200), "\u22121200");
  Axis const small(0.011, 0.052, 5);
  EXPECT_DOUBLE_EQ(small.step, 0.01);
  EXPECT_EQ(small.label(0.03), "0.03");
  Axis const flat(7, 7, 5);
  EXPECT_LT(flat.low, 7);
  EXPECT_GT(flat.high, 7);
  Axis const thousands(0, 65536, 5);
  EXPECT_EQ(thousands.label(20000), "20k");
}

TEST(Axis, TakesAnyFiniteNumbers) {
  for (double const most : {3.5e-324, 1e-300, 1e-3, 1., 1e300, 1.7e308})
    for (double const least : {0., -most, most, 1., -1.7e308}) {
      Axis const axis(std::min(least, most), std::max(least, most), 6);
      EXPECT_TRUE(std::isfinite(axis.low) && std::isfinite(axis.high)) << least << ", " << most;
      EXPECT_LT(axis.low, axis.high);
      EXPECT_LE(axis.ticks.size(), 16U);
      std::string const picture = svg({"", "", "", {{"a", {least, most}, {most, least}, {}, {}}}});
      EXPECT_EQ(picture.find("nan"), picture.npos) << least << ", " << most;
      EXPECT_EQ(picture.find("inf"), picture.npos) << least << ", " << most;
    }
}

TEST(MeanOf, AveragesWhereAllRunsHaveValues) {
  Series const a{"a", {0, 10, 20}, {0, 10, 20}, {}, {}};
  Series const b{"b", {5, 15, 25}, {7, 17, 27}, {}, {}};
  Series const mean = mean_of("both", {a, b});
  EXPECT_EQ(mean.x, (std::vector<double>{5, 10, 15, 20}));
  EXPECT_EQ(mean.y, (std::vector<double>{6, 11, 16, 21}));
  // Two values 2 apart: deviation sqrt(2).
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(mean.high[i] - mean.y[i], std::sqrt(2.0), 1e-12);
    EXPECT_NEAR(mean.y[i] - mean.low[i], std::sqrt(2.0), 1e-12);
  }
}

}  // namespace
}  // namespace loom
