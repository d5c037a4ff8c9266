#include <algorithm>
#include <cmath>
#include <tools/dreamloom/dream_pictures.hpp>
#include <tools/media/gif.hpp>
#include <tools/media/png.hpp>

namespace loom {
namespace {

constexpr int kKinds = 4, kGap = 4, kZoom = 2;
constexpr std::uint8_t kGround = 255, kSeen = 200, kDreamed[3] = {230, 120, 30};

/// Pictures of one step of one instance, each (side, side, 3) in [0, 1].
struct Frame {
  DreamReport const& report;
  int step, instance;

  float colour(int kind, int at) const {
    auto const i = static_cast<std::size_t>(step * report.instances + instance) *
                       static_cast<std::size_t>(report.fields) +
                   static_cast<std::size_t>(at);
    float const seen = report.observation[i], dream = report.dream[i];
    return kind == 0   ? seen
           : kind == 1 ? report.reconstruction[i]
           : kind == 2 ? dream
                       : std::abs(dream - seen);
  }
};

class Canvas {
 public:
  Canvas(int columns, int rows, int side)
      : side_(side * kZoom),
        size_{columns * (side_ + kGap) + kGap, rows * (side_ + kGap) + kGap},
        pixels_(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height) * 3,
                kGround) {}

  ImageSize size() const { return size_; }
  In<std::uint8_t> pixels() const { return pixels_; }

  void paste(Frame const& frame, int kind, int column, int row) {
    int const left = kGap + column * (side_ + kGap), top = kGap + row * (side_ + kGap);
    int const side = side_ / kZoom;
    for (int y = 0; y < side_; ++y)
      for (int x = 0; x < side_; ++x)
        for (int c = 0; c < 3; ++c) {
          float const v = frame.colour(kind, (y / kZoom * side + x / kZoom) * 3 + c);
          at(left + x, top + y, c) = static_cast<std::uint8_t>(std::lround(255 * v));
        }
  }
  /// Above a column: seen or dreamed.
  void bar(int column, bool dreamed) {
    int const left = kGap + column * (side_ + kGap);
    for (int y = 0; y < kGap - 1; ++y)
      for (int x = 0; x < side_; ++x)
        for (int c = 0; c < 3; ++c) at(left + x, y, c) = dreamed ? kDreamed[c] : kSeen;
  }

 private:
  std::uint8_t& at(int x, int y, int c) {
    return pixels_[static_cast<std::size_t>((y * size_.width + x) * 3 + c)];
  }

  int side_;
  ImageSize size_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace

std::string dream_strip(DreamReport const& report, int side) {
  int const columns = std::min(12, report.steps);
  Canvas canvas(columns, kKinds, side);
  for (int k = 0; k < columns; ++k) {
    int const step = columns == 1 ? 0 : k * (report.steps - 1) / (columns - 1);
    for (int kind = 0; kind < kKinds; ++kind) canvas.paste({report, step, 0}, kind, k, kind);
    canvas.bar(k, step > report.context);
  }
  return png(canvas.pixels(), canvas.size());
}

std::string dream_animation(DreamReport const& report, int side, double step_s) {
  int const rows = std::min(4, report.instances);
  Canvas canvas(kKinds, rows, side);
  Gif gif(canvas.size());
  for (int step = 0; step < report.steps; ++step) {
    for (int i = 0; i < rows; ++i)
      for (int kind = 0; kind < kKinds; ++kind) canvas.paste({report, step, i}, kind, kind, i);
    for (int kind = 0; kind < kKinds; ++kind) canvas.bar(kind, kind >= 2 && step > report.context);
    gif.add(canvas.pixels(), std::clamp(step_s, 0.02, 600.));
  }
  return gif.bytes();
}

}  // namespace loom
