#pragma once
// A picture as a short list of flat shapes in world units, made alike on host and device.
//
// x points right, y up, angles turn counterclockwise. Later shapes cover earlier ones. An
// environment's `draw` only lists shapes; kernels/render/raster turns the list into pixels of any
// size.
#include <kernels/core/math.hpp>

namespace loom {

/// A place or a direction in the world.
struct Point {
  float x, y;
};
HD constexpr Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
HD constexpr Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
HD constexpr Point operator*(float s, Point a) { return {s * a.x, s * a.y}; }

/// The point `length` away from `from` in the direction `angle_rad` (0 is right, pi/2 up).
HD Point polar(Point from, float length, float angle_rad) {
  float s, c;
  math::sincos(math::wrap_angle(angle_rad), s, c);
  return {from.x + length * c, from.y + length * s};
}

/// 0xTTRRGGBB; TT is the transparency, 0 for opaque. The named ones are the palette of the house;
/// any other value does too: static_cast<Colour>(0x00336699).
enum class Colour : std::uint32_t {
  background = 0x00FAF8F3,  ///< warm paper
  surface = 0x00E9E5DC,     ///< large quiet areas: ground, walls
  muted = 0x00B4B2AB,       ///< rails, axes, things that only hold other things
  steel = 0x007B8494,       ///< mechanical parts
  ink = 0x00263043,         ///< outlines, joints, the darkest there is
  accent = 0x002A6FBB,      ///< the body that is controlled
  sky = 0x0079B4E3,         ///< its lighter companion
  warm = 0x00E0613A,        ///< the pole, the arm: what moves freely
  sun = 0x00F2B441,         ///< highlights
  leaf = 0x003D9A6C,        ///< goals, targets
  berry = 0x00B3365B,       ///< danger, limits
  plum = 0x00765BA7,        ///< one more series
  white = 0x00FFFFFF,
  shadow = 0xE0263043,  ///< ink that is seen through
};

/// The same colour, covering only `opacity` (0 to 1) of what lies below.
HD Colour faded(Colour colour, float opacity) {
  auto const clear =
      static_cast<std::uint32_t>(to_int(255.F * (1.F - math::clamp(opacity, 0.F, 1.F)) + 0.5F));
  return static_cast<Colour>((static_cast<std::uint32_t>(colour) & 0xFFFFFFU) | clear << 24);
}

/// A shape of a Scene: a capsule through points 0 and 1 (a disc when they agree), or a convex
/// polygon.
struct Primitive {
  Point points[4];
  float radius;  ///< of a capsule
  int corners;   ///< 2 for a capsule, 3 or 4 for a polygon
  Colour colour;
};

/// What one picture shows. Trivially copyable; lives in registers, shared memory or a
/// Buffer<Scene>.
struct Scene {
  static constexpr int kCapacity = 64;
  static constexpr int kSkipped = -1;  ///< as count: no picture at all

  Primitive primitives[kCapacity];
  int count = 0;
  int dropped = 0;  ///< shapes beyond kCapacity; they are not drawn
  Point centre{0, 0};
  float height = 2, width = 0;
  Colour backdrop = Colour::background;

  /// Empties the list and the camera. A kernel draws into its Scene in place: clear(), then draw.
  HD void clear() {
    count = dropped = 0;
    camera({0, 0}, 2);
    backdrop = Colour::background;
  }

  /// Shows the frame of `height` by `width` world units around `centre`, as large as the picture
  /// allows; without a width, the height alone decides.
  HD void camera(Point frame_centre, float frame_height, float frame_width = 0) {
    centre = frame_centre;
    height = frame_height;
    width = frame_width;
  }

  HD void disc(Point at, float radius, Colour colour) { capsule(at, at, radius, colour); }

  /// A line from a to b, 2 * radius thick, with round ends.
  HD void capsule(Point a, Point b, float radius, Colour colour) {
    add({{a, b, a, b}, radius, 2, colour});
  }

  /// Lines through n points, joined round.
  HD void polyline(Point const* points, int n, float radius, Colour colour) {
    for (int i = 0; i + 1 < n; ++i) capsule(points[i], points[i + 1], radius, colour);
  }

  /// A rectangle of 2 * half_extent, turned by angle_rad.
  HD void box(Point at, Point half_extent, float angle_rad, Colour colour) {
    float s, c;
    math::sincos(math::wrap_angle(angle_rad), s, c);
    Point const u{half_extent.x * c, half_extent.x * s}, v{-half_extent.y * s, half_extent.y * c};
    quad(at - u - v, at + u - v, at + u + v, at - u + v, colour);
  }

  HD void triangle(Point a, Point b, Point c, Colour colour) { add({{a, b, c, c}, 0, 3, colour}); }

  /// A convex polygon of four corners, in either sense.
  HD void quad(Point a, Point b, Point c, Point d, Colour colour) {
    add({{a, b, c, d}, 0, 4, colour});
  }

  HD void add(Primitive const& shape) {
    if (count < kCapacity)
      primitives[count++] = shape;
    else
      ++dropped;
  }
};

}  // namespace loom
