#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// An under-powered car must rock itself out of a valley with as little push as it can.
///
/// Action       (1): push, clipped to [-1, 1]
/// Observation  (2): position, velocity per step
/// Reward       -push^2 / 10, and 100 for the step that ends it
/// Start        position ~ U(-0.6, -0.4), at rest
/// Terminated   position >= goal, moving right or at rest      Truncated  after 999 steps
/// Source       Moore 1990, PhD thesis; constants as Gymnasium MountainCarContinuous-v0
struct MountainCarContinuous {
  static constexpr EnvSpec spec{.name = "MountainCarContinuous",
                                .summary = "rock a weak car out of a valley, sparing its engine",
                                .actions = Continuous{1, -1.F, 1.F},
                                .observation = 2,
                                .max_steps = 999,
                                .observation_low = {-1.2F, -0.07F},
                                .observation_high = {0.6F, 0.07F},
                                .source = "Moore 1990; Gymnasium MountainCarContinuous-v0",
                                .goal = true};

  template <class F>
  struct State {
    F position, velocity;
  };
  template <class F>
  struct Params {
    F force, gravity, wave_number, max_speed, wall, goal;
  };
  // The wall stands `wall` to the left of 0; the valley's floor is at -pi / (2 wave_number).
  static constexpr ParamSpec params[] = {{"force", 0.0015F, "1/step^2", {0.0005F, 0.003F}},
                                         {"gravity", 0.0025F, "1/step^2", {0.001F, 0.005F}},
                                         {"wave_number", 3.F, "rad", {2.5F, 3.5F}},
                                         {"max_speed", 0.07F, "1/step", {0.005F, 0.07F}},
                                         {"wall", 1.2F, "1", {0.62F, 1.2F}},
                                         {"goal", 0.45F, "1", {-0.38F, 0.55F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    return {random.uniform(F(-0.6F), F(-0.4F)), F(0.F)};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    F const push = p.force * action[0];
    F const pull = p.gravity * math::cos(p.wave_number * s.position);
    F const velocity = math::clamp(s.velocity + (push - pull), -p.max_speed, p.max_speed);
    // The right end lies past the goal and is never reached from the valley.
    s.position = math::clamp(s.position + velocity, -p.wall, F(0.6F));
    // The left wall is inelastic.
    s.velocity = select((s.position <= -p.wall) & (velocity < F(0.F)), F(0.F), velocity);
    auto const arrived = (s.position >= p.goal) & (s.velocity >= F(0.F));
    return {select(arrived, F(100.F), F(0.F)) - F(0.1F) * (action[0] * action[0]), arrived};
  }

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

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(MountainCarContinuous);
