#pragma once
// What MountainCar and MountainCarContinuous share: a car, a valley, and their picture.
#include <sim/core/environment.hpp>

namespace loom {

/// A car on the curve y = sin(wave_number x); position along x, velocity per step.
/// Source: Moore 1990, PhD thesis; constants as Gymnasium's two.
struct Valley {
  template <class F>
  struct State {
    F position, velocity;
  };
  // The wall stands `wall` to the left of 0; the valley's floor is at -pi / (2 wave_number).
  template <class F>
  struct Params {
    F force, gravity, wave_number, max_speed, wall, goal;
  };

  /// Position ~ U(-0.6, -0.4), at rest.
  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    return {random.uniform(F(-0.6F), F(-0.4F)), F(0.F)};
  }

  /// One step under `push` (1/step^2). True where the car is at the goal or past it, and not rolling
  /// back.
  template <class F>
  HD static MaskOf<F> roll(State<F>& s, Params<F> const& p, F push) {
    F const pull = p.gravity * math::cos(p.wave_number * s.position);
    F const velocity = math::clamp(s.velocity + (push - pull), -p.max_speed, p.max_speed);
    // The right end lies past the goal and is never reached from the valley.
    s.position = math::clamp(s.position + velocity, -p.wall, F(0.6F));
    // The left wall is inelastic.
    s.velocity = select((s.position <= -p.wall) & (velocity < F(0.F)), F(0.F), velocity);
    return (s.position >= p.goal) & (s.velocity >= F(0.F));
  }

  /// (2): position, velocity.
  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    o[0] = s.position;
    o[1] = s.velocity;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    scene.camera({-0.28F, 0.08F}, 1.4F, 1.96F);
    auto height = [&](float x) { return 0.45F * math::sin(p.wave_number * x); };
    auto lifted = [&](float x, float up) {
      // `up` along the normal of the slope.
      float const slope = 0.45F * p.wave_number * math::cos(p.wave_number * x);
      float const length = math::sqrt(1 + slope * slope);
      return Point{x - up * slope / length, height(x) + up / length};
    };
    // The hill in strips of ground that overlap by more than a pixel, so that no seam shows.
    constexpr int kStrips = 32;
    constexpr float kLeft = -1.6F, kStep = 2.6F / kStrips;
    for (int i = 0; i < kStrips; ++i) {
      float const a = kLeft + kStep * static_cast<float>(i), b = a + kStep + 0.03F;
      scene.quad({a, -1.5F}, {b, -1.5F}, {b, height(b)}, {a, height(a)}, Colour::surface);
    }
    scene.box({-p.wall - 0.02F, height(-p.wall) + 0.1F}, {0.02F, 0.12F}, 0, Colour::berry);
    Point const foot{p.goal, height(p.goal)}, top = foot + Point{0, 0.26F};
    scene.capsule(foot, top, 0.01F, Colour::ink);
    scene.triangle(top, top + Point{0, -0.11F}, top + Point{0.16F, -0.055F}, Colour::leaf);
    float const slope = 0.45F * p.wave_number * math::cos(p.wave_number * s.position);
    float const length = math::sqrt(1 + slope * slope);
    Point const along{1 / length, slope / length};
    Point const axle = lifted(s.position, 0.045F), body = lifted(s.position, 0.1F);
    scene.capsule(body - 0.08F * along, body + 0.08F * along, 0.052F, Colour::accent);
    scene.disc(axle - 0.08F * along, 0.045F, Colour::ink);
    scene.disc(axle + 0.08F * along, 0.045F, Colour::ink);
  }
};

}  // namespace loom
