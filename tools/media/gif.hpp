#pragma once
// An animation as the bytes of a GIF file that plays in every browser.
#include <kernels/render/raster.hpp>
#include <string>
#include <vector>

namespace loom {

/// Takes frames one by one and keeps only their compressed bytes. A frame stores the rectangle that
/// changed, with a palette of its own; pixels that stay are transparent and compress to nothing.
///
/// Source  CompuServe 1990, "Graphics Interchange Format, Version 89a"; Welch 1984 (LZW).
class Gif {
 public:
  /// Errors  ShapeError unless each side is in [1, 65535].
  explicit Gif(ImageSize size);

  /// Shows image (height, width, 3) for so long. Browsers slow down what is faster than 0.02 s.
  /// Errors  ShapeError for another size; ConfigError for a time outside [0.02, 600].
  void add(In<std::uint8_t> image, double seconds);

  int frames() const { return frames_; }

  /// The whole file; it repeats for ever. Errors  ShapeError without a frame.
  std::string bytes() const;

 private:
  struct Rectangle {
    int x, y, width, height;
  };
  Rectangle changed(std::vector<std::uint32_t> const& pixels) const;

  ImageSize size_;
  int frames_ = 0;
  double shown_s_ = 0;  // what the caller asked for so far
  long shown_cs_ = 0;   // what the file says so far: rounding does not add up
  std::vector<std::uint32_t> last_;
  std::string blocks_;
};

}  // namespace loom
