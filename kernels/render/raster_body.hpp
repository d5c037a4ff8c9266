#pragma once
// One text for pixels on GPU threads and pixels on SIMD lanes.
#include <algorithm>
#include <kernels/core/launch.hpp>
#include <kernels/render/raster.hpp>
#include <type_traits>

namespace loom::raster {

/// Where the world lies on an image: x_pixel = x * scale + x0, y_pixel = y0 - y * scale.
struct Frame {
  float scale, x0, y0;

  HD Frame(Scene const& scene, ImageSize size) {
    float const width = to_float(size.width), height = to_float(size.height);
    scale = height / scene.height;
    if (scene.width > 0) scale = math::min(scale, width / scene.width);
    x0 = math::fma(-scene.centre.x, scale, 0.5F * width);
    y0 = math::fma(scene.centre.y, scale, 0.5F * height);
  }
  HD Point operator()(Point p) const {
    return {math::fma(p.x, scale, x0), math::fma(-p.y, scale, y0)};
  }
};

/// The pixels [x0, x1) x [y0, y1) that a shape can touch.
struct Bounds {
  int x0, x1, y0, y1;

  HD Bounds(Primitive const& shape, Frame const& frame, ImageSize size) {
    // A pixel is touched when its centre is within half a pixel of the shape; a sixteenth more is
    // room for rounding.
    float const reach = math::fma(shape.radius, frame.scale, 0.0625F);
    Point low = frame(shape.points[0]), high = low;
    LOOM_UNROLL
    for (int k = 1; k < 4; ++k) {
      Point const p = frame(shape.points[k]);
      low = {math::min(low.x, p.x), math::min(low.y, p.y)};
      high = {math::max(high.x, p.x), math::max(high.y, p.y)};
    }
    x0 = inside(low.x - reach, size.width);
    x1 = inside(high.x + reach + 1.F, size.width);
    y0 = inside(low.y - reach, size.height);
    y1 = inside(high.y + reach + 1.F, size.height);
  }
  HD static int inside(float at, int size) { return to_int(math::clamp(at, 0.F, to_float(size))); }
  HD bool hold(int x, int y) const { return x >= x0 && x < x1 && y >= y0 && y < y1; }
};

/// The part of one pixel between an edge at signed distance d (negative inside) and infinity.
template <class F>
HD F inner(F d) {
  return math::clamp(F(0.5F) - d, F(0.F), F(1.F));
}

/// A capsule in pixels.
struct Capsule {
  Point a, axis;
  float inverse, radius;  // 1 / |axis|^2, 0 for a disc

  HD Capsule(Primitive const& shape, Frame const& frame) {
    a = frame(shape.points[0]);
    axis = frame(shape.points[1]) - a;
    float const squared = axis.x * axis.x + axis.y * axis.y;
    inverse = squared > 1e-12F ? 1.F / squared : 0.F;
    radius = shape.radius * frame.scale;
  }

  template <class F>
  HD F coverage(F x, F y) const {
    F const px = x - F(a.x), py = y - F(a.y);
    F const along = math::clamp((px * F(axis.x) + py * F(axis.y)) * F(inverse), F(0.F), F(1.F));
    F const dx = math::fma(along, F(-axis.x), px), dy = math::fma(along, F(-axis.y), py);
    F const distance = math::sqrt(dx * dx + dy * dy);
    // Both edges of the line count, so that one of 0.3 pixels covers 0.3 of what it crosses.
    F const both = inner(distance - F(radius)) + inner(-distance - F(radius)) - F(1.F);
    return math::max(both, F(0.F));
  }
};

/// A convex polygon in pixels: signed distances nx * x + ny * y + c to its four edges. The fourth
/// edge of a triangle has no length; such an edge keeps nothing out.
struct Polygon {
  float nx[4], ny[4], c[4];
  bool paired;  // two pairs of opposite edges

  HD Polygon(Primitive const& shape, Frame const& frame) {
    Point p[4];
    LOOM_UNROLL
    for (int k = 0; k < 4; ++k) p[k] = frame(shape.points[k]);
    Point const d = p[2] - p[0], e = p[3] - p[1];
    float const sense =
        shape.corners == 4 ? d.x * e.y - d.y * e.x : (p[1] - p[0]).x * d.y - (p[1] - p[0]).y * d.x;
    LOOM_UNROLL
    for (int k = 0; k < 4; ++k) {
      Point const edge = p[(k + 1) % 4] - p[k];
      float const length = math::sqrt(edge.x * edge.x + edge.y * edge.y);
      bool const empty = length < 1e-6F;
      float const unit = (sense < 0 ? -1.F : 1.F) / (empty ? 1.F : length);
      nx[k] = empty ? 0.F : edge.y * unit;
      ny[k] = empty ? 0.F : -edge.x * unit;
      c[k] = empty ? -1.F : -(nx[k] * p[k].x + ny[k] * p[k].y);
    }
    paired = shape.corners == 4;
  }

  template <class F>
  HD F coverage(F x, F y) const {
    F part[4];
    LOOM_UNROLL
    for (int k = 0; k < 4; ++k)
      part[k] = inner(math::fma(x, F(nx[k]), math::fma(y, F(ny[k]), F(c[k]))));
    // Opposite edges make a strip; two strips that cross share the product of their parts, which is
    // exact for upright rectangles of any size and place.
    F const across = math::max(part[0] + part[2] - F(1.F), F(0.F));
    F const along = math::max(part[1] + part[3] - F(1.F), F(0.F));
    F const nearest = math::min(math::min(part[0], part[1]), math::min(part[2], part[3]));
    return paired ? across * along : nearest;
  }
};

/// Lays 256ths `weight` of a colour over pixels 0x00RRGGBB; 256 replaces them. Red and blue go
/// together: their products stay 16 bits apart.
template <class U>
HD U blend(U pixel, std::uint32_t colour, U weight) {
  U const rest = U(256U) - weight;
  U const red_blue = scale_halves(pixel & U(0xFF00FFU), rest) +
                     scale_halves(U(colour & 0xFF00FFU), weight) + U(0x800080U);
  U const green = scale_halves((pixel & U(0x00FF00U)) >> 8, rest) +
                  scale_halves(U(colour >> 8 & 0xFFU), weight) + U(0x80U);
  return (red_blue >> 8 & U(0xFF00FFU)) | (green & U(0xFF00U));
}

/// 256ths of a pixel that a shape of this colour changes.
template <class F>
HD UintOf<F> weight_of(F coverage, Colour colour) {
  auto const opacity = 255U - (static_cast<std::uint32_t>(colour) >> 24);
  auto const weight = as_uint(to_int(math::fma(coverage, F(256.F), F(0.5F))));
  if (opacity == 255U) return weight;
  return (weight * UintOf<F>(opacity + (opacity >> 7))) >> 8;
}

/// The body of GPU threads: lane = pixel, row-major through all images.
struct PaintPixel {
  In<Scene> scenes;
  ImageSize size;
  Out<std::uint8_t> images;

  HD void operator()(Lane<float> i) const {
    int const x = i.index % size.width, row = i.index / size.width;
    int const y = row % size.height;
    Scene const& scene = scenes[static_cast<std::size_t>(row / size.height)];
    if (scene.count == Scene::kSkipped) return;
    Frame const frame(scene, size);
    float const px = to_float(x) + 0.5F, py = to_float(y) + 0.5F;
    std::uint32_t pixel = static_cast<std::uint32_t>(scene.backdrop) & 0xFFFFFFU;
    LOOM_NO_UNROLL
    for (int k = 0; k < scene.count; ++k) {
      Primitive const& shape = scene.primitives[k];
      if (!Bounds(shape, frame, size).hold(x, y)) continue;
      float const coverage = shape.corners == 2 ? Capsule(shape, frame).coverage(px, py)
                                                : Polygon(shape, frame).coverage(px, py);
      pixel =
          blend(pixel, static_cast<std::uint32_t>(shape.colour), weight_of(coverage, shape.colour));
    }
    store_rgb(images.data + std::ptrdiff_t{3} * i.index, pixel);
  }
};

/// The body of CPU tasks: some rows of one image in a small canvas, shape by shape, F pixels at a
/// time. Many shapes cover few pixels, so going through their bounds beats asking at every pixel.
struct Canvas {
  static constexpr int kPixels = 8192;  // 32 KB: stays in the first cache
  static constexpr int kPad = 16;       // rows begin on whole packs

  alignas(64) std::uint32_t pixels[kPixels + kPad];  // the last pack may reach beyond its row

  static int stride(ImageSize size) { return (size.width + kPad - 1) / kPad * kPad; }
  static int rows(ImageSize size) { return std::min(size.height, kPixels / stride(size)); }

  template <class F, class S>
  void cover(S const& shape, Bounds const& bounds, Colour colour, int top, int bottom, int line) {
    auto const rgb = static_cast<std::uint32_t>(colour) & 0xFFFFFFU;
    for (int y = std::max(bounds.y0, top); y < std::min(bounds.y1, bottom); ++y) {
      std::uint32_t* const row = pixels + (y - top) * line;
      // From the shape's own left edge: most shapes are one pack wide.
      for (int x = bounds.x0; x < bounds.x1; x += kWidth<F>) {
        auto const column = iota(Lane<F>{x});
        F const coverage = shape.coverage(convert<F>(column) + F(0.5F), F(to_float(y) + 0.5F));
        // Lanes left and right of the bounds keep their pixel, as GPU threads there do.
        auto const inside = (column >= IntOf<F>(bounds.x0)) & (column < IntOf<F>(bounds.x1));
        auto const weight = weight_of(select(inside, coverage, F(0.F)), colour);
        if (!any(weight != UintOf<F>(0U))) continue;
        store(row, Lane<F>{x}, blend(load(row, Lane<F>{x}), rgb, weight));
      }
    }
  }

  /// Rows [top, bottom) of the scene into the same rows of `image`.
  template <class F>
  void paint(Scene const& scene, ImageSize size, int top, int bottom, std::uint8_t* image) {
    int const line = stride(size);
    Frame const frame(scene, size);
    auto const backdrop = static_cast<std::uint32_t>(scene.backdrop) & 0xFFFFFFU;
    for (int k = 0; k < (bottom - top) * line; k += kWidth<F>)
      store(pixels, Lane<F>{k}, UintOf<F>(backdrop));
    for (int k = 0; k < scene.count; ++k) {
      Primitive const& shape = scene.primitives[k];
      Bounds const bounds(shape, frame, size);
      if (shape.corners == 2)
        cover<F>(Capsule(shape, frame), bounds, shape.colour, top, bottom, line);
      else
        cover<F>(Polygon(shape, frame), bounds, shape.colour, top, bottom, line);
    }
    for (int y = top; y < bottom; ++y) {
      std::uint32_t const* const row = pixels + (y - top) * line;
      std::uint8_t* const out = image + std::ptrdiff_t{3} * y * size.width;
      int x = 0;
      for (; x + 64 <= size.width; x += 64)
        store_rgb64(out + std::ptrdiff_t{3} * x, row + x, Lane<F>{x});
      for (; x + kWidth<F> <= size.width; x += kWidth<F>)
        store_rgb(out + std::ptrdiff_t{3} * x, load(row, Lane<F>{x}));
      for (; x < size.width; ++x) store_rgb(out + std::ptrdiff_t{3} * x, row[x]);
    }
  }
};

/// A template, so that each compiler builds only the half of its own machine.
template <class Machine>
void paint(Machine exec, In<Scene> scenes, ImageSize size, Out<std::uint8_t> images) {
  if constexpr (std::is_same_v<Machine, Gpu>) {
    launch(exec, static_cast<int>(images.size / 3), PaintPixel{scenes, size, images});
  } else {
    int const rows = Canvas::rows(size), bands = (size.height + rows - 1) / rows;
    auto const all = static_cast<std::int64_t>(scenes.size) * bands;
    // Less than 64 K pixels a thread are not worth waking it.
    auto const worth = static_cast<std::int64_t>(images.size / 3 >> 16) + 1;
    auto const slices = std::min<std::int64_t>({num_threads(exec), worth, all});
    parallel(exec, static_cast<int>(slices), [&](int slice) {
      with_lanes(exec, [&]<class F>(Lane<F>) {
        Canvas canvas;
        for (auto b = all * slice / slices; b < all * (slice + 1) / slices; ++b) {
          auto const m = static_cast<std::size_t>(b / bands);
          if (scenes[m].count == Scene::kSkipped) continue;
          int const top = static_cast<int>(b % bands) * rows;
          canvas.template paint<F>(scenes[m], size, top, std::min(top + rows, size.height),
                                   images.data + m * (images.size / scenes.size));
        }
      });
    });
  }
}

}  // namespace loom::raster
