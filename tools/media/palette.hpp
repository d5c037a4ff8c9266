#pragma once
// Few colours for many: what a GIF's 256 entries can hold.
#include <cstdint>
#include <vector>

namespace loom {

/// A palette and, for each of the colours it was made for, its entry.
struct Palette {
  std::vector<std::uint32_t> entries;  ///< 0x00RRGGBB
  std::vector<std::uint32_t> colours;  ///< sorted, each once
  std::vector<std::uint8_t> entry_of;  ///< of colours[i]

  std::uint8_t find(std::uint32_t colour) const;  ///< the colour must be one of `colours`
};

/// Exact when there are at most max_entries colours; otherwise the group of colours with the
/// largest squared error is halved until there are max_entries groups, each shown as its mean.
/// pixels: 0x00RRGGBB, any number, at least one. 1 <= max_entries <= 256.
Palette make_palette(std::vector<std::uint32_t> pixels, int max_entries);

}  // namespace loom
