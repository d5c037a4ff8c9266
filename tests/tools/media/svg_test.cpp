#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/error.hpp>
#include <limits>
#include <regex>
#include <tools/media/axis.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Whether every tag that opens closes, attributes are quoted and text is escaped.
bool well_formed(std::string const& xml) {
  std::vector<std::string> open;
  std::regex const tag(R"(<(/?)([a-z]+)((?:\s+[A-Za-z0-9:-]+="[^"<]*")*)\s*(/?)>)");
  std::size_t at = 0;
  for (std::sregex_iterator i(xml.begin(), xml.end(), tag), end; i != end; ++i) {
    std::string const between = xml.substr(at, static_cast<std::size_t>(i->position()) - at);
    if (between.find_first_of("<>") != std::string::npos) return false;
    if (std::regex_search(between, std::regex("&(?!(amp|lt|gt|quot);)"))) return false;
    at = static_cast<std::size_t>(i->position() + i->length());
    if ((*i)[1].length() != 0) {
      if (open.empty() || open.back() != (*i)[2]) return false;
      open.pop_back();
    } else if ((*i)[4].length() == 0) {
      open.push_back((*i)[2]);
    }
  }
  return open.empty() && xml.substr(at).find_first_not_of('\n') == std::string::npos;
}

int count(std::string const& text, std::string const& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The points of the first path with this stroke.
std::vector<std::pair<double, double>> line_points(std::string const& xml) {
  std::smatch path;
  std::vector<std::pair<double, double>> points;
  if (!std::regex_search(xml, path, std::regex("<path d=\"([^\"]*)\" fill=\"none\"")))
    return points;
  std::string const data = path[1];
  std::regex const pair("[ML]([-0-9.]+) ([-0-9.]+)");
  for (std::sregex_iterator i(data.begin(), data.end(), pair), end; i != end; ++i)
    points.emplace_back(std::stod((*i)[1]), std::stod((*i)[2]));
  return points;
}

/// Where the label of a tick stands.
std::pair<double, double> label_at(std::string const& xml, std::string const& label) {
  std::smatch match;
  std::regex const text("<text x=\"([-0-9.]+)\" y=\"([-0-9.]+)\"[^>]*>" + label + "</text>");
  if (!std::regex_search(xml, match, text)) return {kNan, kNan};
  return {std::stod(match[1]), std::stod(match[2])};
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
