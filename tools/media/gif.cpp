#include <algorithm>
#include <array>
#include <cmath>
#include <kernels/core/error.hpp>
#include <optional>
#include <string_view>
#include <tools/media/gif.hpp>
#include <tools/media/palette.hpp>

namespace loom {
namespace {

void put_byte(std::string& out, unsigned value) { out.push_back(static_cast<char>(value)); }
void put_word(std::string& out, unsigned value) {
  put_byte(out, value & 255);
  put_byte(out, value >> 8);
}

/// Codes of growing width, lowest bit first, in sub-blocks of at most 255 bytes.
class BlockWriter {
 public:
  explicit BlockWriter(std::string& out) : out_(out) {}
  void code(unsigned value, int width) {
    bits_ |= value << held_;
    for (held_ += width; held_ >= 8; held_ -= 8, bits_ >>= 8) byte(bits_ & 255);
  }
  void finish() {
    if (held_ > 0) byte(bits_ & 255);
    flush();
    put_byte(out_, 0);
  }

 private:
  void byte(unsigned value) {
    put_byte(block_, value);
    if (block_.size() == 255) flush();
  }
  void flush() {
    if (block_.empty()) return;
    put_byte(out_, static_cast<unsigned>(block_.size()));
    out_ += block_;
    block_.clear();
  }

  std::string& out_;
  std::string block_;
  unsigned bits_ = 0;
  int held_ = 0;
};

/// GIF's LZW: codes for every index, `clear`, `end`, then the strings in the order they were met.
void put_lzw(std::string& out, std::vector<std::uint8_t> const& indices, int index_bits) {
  constexpr unsigned kCodes = 4096;
  int const least = std::max(2, index_bits);
  unsigned const clear = 1U << least, end = clear + 1;
  put_byte(out, static_cast<unsigned>(least));
  BlockWriter blocks(out);

  std::vector<std::array<std::int16_t, 256>> next(kCodes);  // code of (string, next index), or -1
  int width = 0;
  unsigned codes = 0;
  auto const restart = [&] {
    for (unsigned code = 0; code < clear; ++code) next[code].fill(-1);
    codes = end + 1;
    width = least + 1;
  };
  restart();
  blocks.code(clear, width);
  unsigned string = indices.front();
  for (std::size_t i = 1; i < indices.size(); ++i) {
    std::uint8_t const index = indices[i];
    if (next[string][index] >= 0) {
      string = static_cast<unsigned>(next[string][index]);
      continue;
    }
    blocks.code(string, width);
    if (codes == kCodes) {
      blocks.code(clear, width);
      restart();
    } else {
      // The decoder learns a code one step later, so the width grows one code late.
      if (codes == 1U << width) ++width;
      next[codes].fill(-1);
      next[string][index] = static_cast<std::int16_t>(codes++);
    }
    string = index;
  }
  blocks.code(string, width);
  if (codes == 1U << width && width < 12) ++width;
  blocks.code(end, width);
  blocks.finish();
}

}  // namespace

Gif::Gif(ImageSize size) : size_(size) {
  require(size.width >= 1 && size.height >= 1 && size.width < 65536 && size.height < 65536,
          "gif: pictures of ", size.width, " x ", size.height, " pixels (each side 1 to 65535)");
}

/// The smallest rectangle outside of which the last frame stays; one pixel when nothing changed.
Gif::Rectangle Gif::changed(std::vector<std::uint32_t> const& pixels) const {
  if (last_.empty()) return {0, 0, size_.width, size_.height};
  int x0 = size_.width, x1 = -1, y0 = size_.height, y1 = -1;
  for (int y = 0, i = 0; y < size_.height; ++y)
    for (int x = 0; x < size_.width; ++x, ++i)
      if (pixels[static_cast<std::size_t>(i)] != last_[static_cast<std::size_t>(i)]) {
        x0 = std::min(x0, x);
        x1 = std::max(x1, x);
        y0 = std::min(y0, y);
        y1 = y;
      }
  if (x1 < 0) return {0, 0, 1, 1};
  return {x0, y0, x1 - x0 + 1, y1 - y0 + 1};
}

void Gif::add(In<std::uint8_t> image, double seconds) {
  auto const count = static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height);
  require(image.size == 3 * count, "gif: ", size_.width, " x ", size_.height, " pixels need ",
          3 * count, " bytes, given ", image.size);
  require<ConfigError>(seconds >= 0.02 && seconds <= 600, "gif: a frame of ", seconds,
                       " s (0.02 to 600)");
  std::vector<std::uint32_t> pixels(count);
  for (std::size_t i = 0; i < count; ++i)
    pixels[i] =
        static_cast<std::uint32_t>(image[3 * i] << 16 | image[3 * i + 1] << 8 | image[3 * i + 2]);

  // Only pixels that change need a colour; runs of one colour count once, they are flat areas.
  Rectangle const r = changed(pixels);
  std::vector<std::uint32_t> fresh;
  bool stays = false;
  auto const each = [&](auto const& see) {
    for (int y = r.y; y < r.y + r.height; ++y)
      for (int x = r.x; x < r.x + r.width; ++x) {
        auto const i = static_cast<std::size_t>(y * size_.width + x);
        see(pixels[i], !last_.empty() && last_[i] == pixels[i]);
      }
  };
  each([&](std::uint32_t pixel, bool same) {
    stays |= same;
    if (!same && (fresh.empty() || fresh.back() != pixel)) fresh.push_back(pixel);
  });
  Palette palette;
  if (!fresh.empty()) palette = make_palette(std::move(fresh), stays ? 255 : 256);
  auto const transparent = static_cast<unsigned>(palette.entries.size());
  std::vector<std::uint8_t> indices;
  std::optional<std::uint32_t> colour;
  std::uint8_t entry = 0;
  each([&](std::uint32_t pixel, bool same) {
    if (!same && colour != pixel) colour = pixel, entry = palette.find(pixel);
    indices.push_back(same ? static_cast<std::uint8_t>(transparent) : entry);
  });

  shown_s_ += seconds;
  long const delay_cs = std::lround(100 * shown_s_) - shown_cs_;
  shown_cs_ += delay_cs;
  blocks_ += std::string_view("\x21\xF9\x04", 3);  // graphic control
  put_byte(blocks_, 1U << 2 | (stays ? 1U : 0U));  // the frame stays below the next
  put_word(blocks_, static_cast<unsigned>(delay_cs));
  put_byte(blocks_, stays ? transparent : 0);
  put_byte(blocks_, 0);

  int bits = 1;
  while ((1U << bits) < transparent + (stays ? 1U : 0U)) ++bits;
  put_byte(blocks_, 0x2C);  // image, with its own palette
  for (int const value : {r.x, r.y, r.width, r.height})
    put_word(blocks_, static_cast<unsigned>(value));
  put_byte(blocks_, 0x80U | static_cast<unsigned>(bits - 1));
  palette.entries.resize(std::size_t{1} << bits, 0);
  for (std::uint32_t const entry : palette.entries)
    for (int const shift : {16, 8, 0}) put_byte(blocks_, entry >> shift & 255);
  put_lzw(blocks_, indices, bits);
  last_ = std::move(pixels);
  ++frames_;
}

std::string Gif::bytes() const {
  require(frames_ > 0, "gif: no frames (call add() first)");
  std::string out = "GIF89a";
  put_word(out, static_cast<unsigned>(size_.width));
  put_word(out, static_cast<unsigned>(size_.height));
  out += std::string_view("\x70\x00\x00", 3);  // no palette for all frames
  out += std::string_view("\x21\xFF\x0BNETSCAPE2.0\x03\x01\x00\x00\x00", 19);  // repeat for ever
  return out + blocks_ + '\x3B';
}

}  // namespace loom
