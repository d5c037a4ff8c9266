#pragma once
// A small GIF reader of our own, written from the format's text: what a browser would show.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace loom {

struct DecodedGif {
  int width = 0, height = 0;
  std::vector<std::vector<std::uint8_t>> frames;  // (height, width, 3), as composed on screen
  std::vector<int> delays_cs;
  bool repeats = false;
};

class GifDecoder {
 public:
  explicit GifDecoder(std::string const& bytes) : bytes_(bytes) {}

  DecodedGif decode() {
    expect(bytes_.substr(0, 6) == "GIF89a", "signature");
    at_ = 6;
    DecodedGif gif;
    gif.width = word();
    gif.height = word();
    expect((byte() & 0x80) == 0, "no global palette");
    at_ += 2;
    std::vector<std::uint8_t> screen(static_cast<std::size_t>(gif.width * gif.height * 3));
    int transparent = -1;
    for (int kind = byte(); kind != 0x3B; kind = byte()) {
      if (kind == 0x21) {
        if (int const label = byte(); label == 0xF9) {
          expect(byte() == 4, "control block");
          int const flags = byte();
          expect((flags >> 2 & 7) == 1, "frames stay");
          gif.delays_cs.push_back(word());
          int const index = byte();
          transparent = (flags & 1) != 0 ? index : -1;
          expect(byte() == 0, "end of control block");
        } else {
          expect(label == 0xFF, "application block");
          gif.repeats = sub_blocks().starts_with("NETSCAPE2.0");
        }
        continue;
      }
      expect(kind == 0x2C, "image");
      image(gif, screen, transparent);
    }
    expect(at_ == bytes_.size(), "nothing after the trailer");
    return gif;
  }

 private:
  static void expect(bool holds, char const* what) {
    if (!holds) throw std::runtime_error(what);
  }
  int byte() { return static_cast<unsigned char>(bytes_.at(at_++)); }
  int word() {
    int const low = byte();
    return low | byte() << 8;
  }
  std::string sub_blocks() {
    std::string all;
    for (int n = byte(); n != 0; n = byte()) {
      all += bytes_.substr(at_, static_cast<std::size_t>(n));
      at_ += static_cast<std::size_t>(n);
    }
    return all;
  }

  void image(DecodedGif& gif, std::vector<std::uint8_t>& screen, int transparent) {
    int const x0 = word(), y0 = word(), width = word(), height = word(), flags = byte();
    expect(x0 + width <= gif.width && y0 + height <= gif.height, "inside the screen");
    expect((flags & 0xC0) == 0x80, "palette, not interlaced");
    std::size_t const palette = at_;
    at_ += std::size_t{3} << ((flags & 7) + 1);
    int const least = byte();
    std::vector<int> const indices = lzw(sub_blocks(), least);
    expect(indices.size() == static_cast<std::size_t>(width * height), "all pixels");
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (indices[i] == transparent) continue;
      expect(indices[i] < 2 << (flags & 7), "index in the palette");
      auto const x = static_cast<std::size_t>(x0) + i % static_cast<std::size_t>(width);
      auto const y = static_cast<std::size_t>(y0) + i / static_cast<std::size_t>(width);
      for (std::size_t k = 0; k < 3; ++k)
        screen[3 * (y * static_cast<std::size_t>(gif.width) + x) + k] = static_cast<std::uint8_t>(
            bytes_.at(palette + 3 * static_cast<std::size_t>(indices[i]) + k));
    }
    gif.frames.push_back(screen);
  }

  static std::vector<int> lzw(std::string const& data, int least) {
    int const clear = 1 << least, end = clear + 1;
    std::vector<std::vector<int>> strings;
    std::vector<int> out, last;
    int width = least + 1;
    std::size_t bit = 0;
    for (;;) {
      int code = 0;
      for (int k = 0; k < width; ++k, ++bit)
        code |= (static_cast<unsigned char>(data.at(bit / 8)) >> (bit % 8) & 1) << k;
      if (code == end) break;
      if (code == clear) {
        strings.clear();
        for (int k = 0; k < clear; ++k) strings.push_back({k});
        strings.resize(static_cast<std::size_t>(end) + 1);
        width = least + 1;
        last.clear();
        continue;
      }
      auto const c = static_cast<std::size_t>(code);
      expect(c < strings.size() || (c == strings.size() && !last.empty()), "known code");
      std::vector<int> const now = [&] {
        if (c < strings.size()) return strings[c];
        std::vector<int> grown = last;
        grown.push_back(last.front());
        return grown;
      }();
      out.insert(out.end(), now.begin(), now.end());
      if (!last.empty() && strings.size() < 4096) {
        last.push_back(now.front());
        strings.push_back(last);
        if (strings.size() == std::size_t{1} << width && width < 12) ++width;
      }
      last = now;
    }
    expect((bit + 7) / 8 == data.size(), "nothing after the end code");
    return out;
  }

  std::string const& bytes_;
  std::size_t at_ = 0;
};

}  // namespace loom
