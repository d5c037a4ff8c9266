#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/render/scene.hpp>
#include <limits>
#include <tools/media/axis.hpp>
#include <tools/media/svg.hpp>

namespace loom {
namespace {

constexpr std::array kLines{Colour::accent, Colour::warm, Colour::leaf,  Colour::plum,
                            Colour::sun,    Colour::sky,  Colour::berry, Colour::steel};

std::string css(Colour colour) {
  return fmt::format("#{:06x}", static_cast<std::uint32_t>(colour) & 0xFFFFFFU);
}

std::string escaped(std::string const& text) {
  std::string out;
  for (char const c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Control characters have no place in XML, not even escaped.
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  return out;
}

/// Differences of drawable numbers are finite.
bool drawable(double v) { return std::abs(v) < 1e300; }

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) {
    if (!drawable(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
};

/// A point of a line in pixels, with its band.
struct Dot {
  double x, y, low, high;
};

/// Where the data lie on the page.
struct Page {
  double left, right, top, bottom;
  Axis x, y;
  double at_x(double v) const { return left + (v - x.low) / (x.high - x.low) * (right - left); }
  double at_y(double v) const { return bottom - (v - y.low) / (y.high - y.low) * (bottom - top); }
};

/// The finite stretches of a series. Points that share half a pixel become one, their mean and the
/// hull of their bands, so that a million rows make a small file.
std::vector<std::vector<Dot>> stretches(Series const& s, Page const& page) {
  std::vector<std::vector<Dot>> all;
  bool open = false;
  double column = 0;
  int merged = 0;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!drawable(s.x[i]) || !drawable(s.y[i])) {
      open = false;
      continue;
    }
    bool const band = !s.low.empty() && drawable(s.low[i]) && drawable(s.high[i]);
    double const y = page.at_y(s.y[i]);
    Dot const dot{page.at_x(s.x[i]), y, band ? page.at_y(s.low[i]) : y,
                  band ? page.at_y(s.high[i]) : y};
    if (!open) all.emplace_back();
    if (open && std::floor(2 * dot.x) == column) {
      Dot& last = all.back().back();
      ++merged;
      last.y += (dot.y - last.y) / merged;
      last.low = std::max(last.low, dot.low);
      last.high = std::min(last.high, dot.high);
    } else {
      all.back().push_back(dot);
      column = std::floor(2 * dot.x);
      merged = 1;
    }
    open = true;
  }
  return all;
}

void put_series(std::string& out, Series const& s, Page const& page, Colour colour) {
  auto const lines = stretches(s, page);
  if (!s.low.empty()) {
    for (auto const& line : lines) {
      std::string path;
      for (Dot const& d : line)
        path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? 'M' : 'L', d.x, d.high);
      for (auto d = line.rbegin(); d != line.rend(); ++d)
        path += fmt::format("L{:.2f} {:.2f}", d->x, d->low);
      out +=
          fmt::format("<path d=\"{}Z\" fill=\"{}\" fill-opacity=\"0.16\"/>\n", path, css(colour));
    }
  }
  for (auto const& line : lines) {
    if (line.size() == 1) {
      out += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"3\" fill=\"{}\"/>\n", line[0].x,
                         line[0].y, css(colour));
      continue;
    }
    std::string path;
    for (Dot const& d : line)
      path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? 'M' : 'L', d.x, d.y);
    out += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2.2\" stroke-linejoin=\"round\" "
        "stroke-linecap=\"round\"/>\n",
        path, css(colour));
  }
}

std::string text(double x, double y, std::string const& content, Colour colour, int size,
                 char const* anchor = "start", char const* more = "") {
  return fmt::format(
      "<text x=\"{:.2f}\" y=\"{:.2f}\" fill=\"{}\" font-size=\"{}\" "
      "text-anchor=\"{}\"{}>{}</text>\n",
      x, y, css(colour), size, anchor, more, escaped(content));
}

/// Letters of a UTF-8 text.
double letters(std::string const& text) {
  return static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

/// The width that most proportional fonts stay below.
double text_width(std::string const& text, int size) { return 0.58 * size * letters(text); }

void put_axes(std::string& out, Page const& page, Plot const& plot) {
  for (double const tick : page.y.ticks) {
    double const y = page.at_y(tick);
    out += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\"/>\n",
        page.left, y, page.right, y, css(tick == page.y.low ? Colour::muted : Colour::surface));
    out += text(page.left - 10, y + 4, page.y.label(tick), Colour::steel, 12, "end");
  }
  for (double const tick : page.x.ticks) {
    double const x = page.at_x(tick);
    out += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\"/>\n", x,
        page.bottom, x, page.bottom + 5, css(Colour::muted));
    out += text(x, page.bottom + 20, page.x.label(tick), Colour::steel, 12, "middle");
  }
  double const middle = (page.top + page.bottom) / 2;
  out += text((page.left + page.right) / 2, plot.height - 14, plot.x_label, Colour::steel, 13,
              "middle");
  out += text(20, middle, plot.y_label, Colour::steel, 13, "middle",
              fmt::format(" transform=\"rotate(-90 20 {:.2f})\"", middle).c_str());
}

void put_references(std::string& out, Page const& page, Plot const& plot) {
  for (Reference const& r : plot.references) {
    if (!drawable(r.y)) continue;
    double const y = page.at_y(r.y);
    out += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\" "
        "stroke-dasharray=\"5 4\"/>\n",
        page.left, y, page.right, y, css(Colour::steel));
    out += text(page.right + 8, y + 4, r.name, Colour::steel, 12);
  }
}

/// The names in rows from (left, y), as many a row as fit; returns the number of rows. Without
/// `out` it only counts.
int put_legend(std::string* out, Plot const& plot, double left, double right, double y) {
  if (plot.series.size() == 1 && plot.series[0].name.empty()) return 0;
  int rows = plot.series.empty() ? 0 : 1;
  double x = left;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    double const needed = 30 + text_width(plot.series[i].name, 13) + 18;
    if (x + needed > right && x > left) x = left, ++rows;
    double const line = y + 20 * (rows - 1);
    if (out != nullptr) {
      *out += fmt::format(
          "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\" "
          "stroke-width=\"3\" stroke-linecap=\"round\"/>\n",
          x + 2, line - 4.5, x + 20, line - 4.5, css(kLines[i % kLines.size()]));
      *out += text(x + 28, line, plot.series[i].name, Colour::ink, 13);
    }
    x += needed;
  }
  return rows;
}

Page page_of(Plot const& plot) {
  Range x, y;
  for (Series const& s : plot.series) {
    auto const n = s.x.size();
    require(
        s.y.size() == n && s.low.size() == s.high.size() && (s.low.empty() || s.low.size() == n),
        "svg: series '", s.name, "' has ", n, " x, ", s.y.size(), " y, ", s.low.size(), " low, ",
        s.high.size(), " high (all alike, or no band)");
    for (std::size_t i = 0; i < n; ++i) {
      if (!drawable(s.x[i]) || !drawable(s.y[i])) continue;
      x.add(s.x[i]);
      y.add(s.y[i]);
      if (!s.low.empty()) y.add(s.low[i]), y.add(s.high[i]);
    }
  }
  for (Reference const& r : plot.references) y.add(r.y);
  if (x.low > x.high) x = {0, 1};
  if (y.low > y.high) y = {0, 1};
  Page page{
      0, plot.width - 28.0, 0, plot.height - 62.0, Axis(x.low, x.high, 7), Axis(y.low, y.high, 6)};
  // Names of references stand to the right of their lines, where no curve runs through them.
  double names = 0;
  for (Reference const& r : plot.references) names = std::max(names, text_width(r.name, 12));
  if (names > 0) page.right -= names - 12;
  // The y axis begins on a tick and ends a little above the data; x begins and ends with them.
  if (!page.y.widened) {
    page.y.high =
        std::min(y.high, Axis::kMost) + 0.04 * (std::min(y.high, Axis::kMost) - page.y.low);
    std::erase_if(page.y.ticks, [&](double t) { return t > page.y.high; });
  }
  if (!page.x.widened) {
    page.x.low = std::max(x.low, -Axis::kMost);
    page.x.high = std::min(x.high, Axis::kMost);
    std::erase_if(page.x.ticks, [&](double t) {
      return t < x.low - 1e-9 * page.x.step || t > x.high + 1e-9 * page.x.step;
    });
  }
  double longest = 0;
  for (double const tick : page.y.ticks) longest = std::max(longest, letters(page.y.label(tick)));
  page.left = 48 + 7 * longest;
  int const rows = put_legend(nullptr, plot, page.left, page.right, 0);
  page.top = 28 + (plot.title.empty() ? 0 : 28) + 20 * rows;
  return page;
}

}  // namespace

std::string svg(Plot const& plot) {
  Page const page = page_of(plot);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" "
      "font-family=\"-apple-system, 'Segoe UI', Helvetica, Arial, "
      "sans-serif\">\n<title>{2}</title>\n"
      "<rect width=\"{0}\" height=\"{1}\" rx=\"8\" fill=\"{3}\"/>\n",
      plot.width, plot.height, escaped(plot.title), css(Colour::white));
  double const legend = plot.title.empty() ? 30 : 58;
  if (!plot.title.empty())
    out += text(page.left, 34, plot.title, Colour::ink, 17, "start", " font-weight=\"600\"");
  put_legend(&out, plot, page.left, page.right, legend);
  put_axes(out, page, plot);
  put_references(out, page, plot);
  for (std::size_t i = plot.series.size(); i-- > 0;)
    put_series(out, plot.series[i], page, kLines[i % kLines.size()]);
  return out + "</svg>\n";
}

}  // namespace loom
