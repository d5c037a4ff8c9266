#include <algorithm>
#include <array>
#include <numeric>
#include <tools/media/palette.hpp>

namespace loom {
namespace {

double channel(std::uint32_t colour, int k) { return colour >> (8 * k) & 255; }

/// Colours [begin, end) of the order, shown as one.
struct Group {
  std::size_t begin, end;
  std::array<double, 3> mean{};
  double error = 0;  // squared, weighted by pixels
  int widest = 0;    // the channel that makes most of it
};

class Splitter {
 public:
  Splitter(std::vector<std::uint32_t> const& colours, std::vector<double> const& pixels)
      : colours_(colours), pixels_(pixels), order_(colours.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  Group group(std::size_t begin, std::size_t end) const {
    Group g{begin, end};
    double total = 0;
    std::array<double, 3> squares{};
    for (std::size_t i = begin; i < end; ++i) {
      double const n = pixels_[order_[i]];
      total += n;
      for (int k = 0; k < 3; ++k) {
        double const v = channel(colours_[order_[i]], k);
        g.mean[static_cast<std::size_t>(k)] += n * v;
        squares[static_cast<std::size_t>(k)] += n * v * v;
      }
    }
    double most = -1;
    for (std::size_t k = 0; k < 3; ++k) {
      g.mean[k] /= total;
      double const error = std::max(0.0, squares[k] - total * g.mean[k] * g.mean[k]);
      g.error += error;
      if (error > most) most = error, g.widest = static_cast<int>(k);
    }
    // A group of several can always be halved, however small rounding leaves its error.
    g.error = end - begin == 1 ? 0 : std::max(g.error, 1e-9);
    return g;
  }

  /// Cuts the group in two at its mean along its widest channel.
  std::pair<Group, Group> halves(Group const& g) {
    auto const at = [&](std::size_t i) { return order_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::sort(at(g.begin), at(g.end), [&](std::size_t a, std::size_t b) {
      return channel(colours_[a], g.widest) < channel(colours_[b], g.widest);
    });
    std::size_t cut = g.begin + 1;
    while (cut + 1 < g.end &&
           channel(colours_[order_[cut]], g.widest) < g.mean[static_cast<std::size_t>(g.widest)])
      ++cut;
    return {group(g.begin, cut), group(cut, g.end)};
  }

  std::size_t colour_at(std::size_t i) const { return order_[i]; }

 private:
  std::vector<std::uint32_t> const& colours_;
  std::vector<double> const& pixels_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::uint8_t Palette::find(std::uint32_t colour) const {
  auto const at = std::lower_bound(colours.begin(), colours.end(), colour) - colours.begin();
  return entry_of[static_cast<std::size_t>(at)];
}

Palette make_palette(std::vector<std::uint32_t> pixels, int max_entries) {
  std::sort(pixels.begin(), pixels.end());
  Palette palette;
  std::vector<double> counts;
  for (std::uint32_t const colour : pixels) {
    if (palette.colours.empty() || palette.colours.back() != colour) {
      palette.colours.push_back(colour);
      counts.push_back(0);
    }
    ++counts.back();
  }
  palette.entry_of.resize(palette.colours.size());
  if (palette.colours.size() <= static_cast<std::size_t>(max_entries)) {
    palette.entries = palette.colours;
    std::iota(palette.entry_of.begin(), palette.entry_of.end(), std::uint8_t{0});
    return palette;
  }
  Splitter splitter(palette.colours, counts);
  std::vector<Group> groups{splitter.group(0, palette.colours.size())};
  while (groups.size() < static_cast<std::size_t>(max_entries)) {
    auto const worst = std::max_element(groups.begin(), groups.end(),
                                        [](auto& a, auto& b) { return a.error < b.error; });
    auto const [low, high] = splitter.halves(*worst);
    *worst = low;
    groups.push_back(high);
  }
  for (Group const& g : groups) {
    std::uint32_t entry = 0;
    for (std::size_t k = 0; k < 3; ++k)
      entry |= static_cast<std::uint32_t>(g.mean[k] + 0.5) << (8 * k);
    for (std::size_t i = g.begin; i < g.end; ++i)
      palette.entry_of[splitter.colour_at(i)] = static_cast<std::uint8_t>(palette.entries.size());
    palette.entries.push_back(entry);
  }
  return palette;
}

}  // namespace loom
