#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// A mass in a walled square must be pushed to a goal and stopped there.
///
/// Action       (2): force along x and y, each clipped to [-1, 1] of `force`
/// Observation  (6): position (2) [m], velocity (2) [m/s], goal - position (2) [m]
/// Reward       -distance to the goal / diagonal of the square, within [-1, 0]; 10 more on arrival
/// Start        position and goal anywhere in the inner 90 % of the square, at rest
/// Terminated   arrived: within goal_radius of the goal and slower than goal_speed
/// Truncated    after 200 steps
/// Source       semi-implicit Euler steps of m a = f - damping v; own task
struct PointMass {
  static constexpr EnvSpec spec{
      .name = "PointMass",
      .summary = "push a mass to a goal and stop there",
      .actions = Continuous{2, -1.F, 1.F},
      .observation = 6,
      .max_steps = 200,
      .observation_low = {-1.F, -1.F, -kUnbounded, -kUnbounded, -1.9F, -1.9F},
      .observation_high = {1.F, 1.F, kUnbounded, kUnbounded, 1.9F, 1.9F},
      .source = "own",
      .goal = true};

  template <class F>
  struct State {
    F x, y, velocity_x, velocity_y, goal_x, goal_y;
  };
  template <class F>
  struct Params {
    F mass, force, damping, half_size, restitution, goal_radius, goal_speed, time_step;
  };
  static constexpr ParamSpec params[] = {
      {"mass", 1.F, "kg", {0.2F, 5.F}},          {"force", 2.F, "N", {0.5F, 10.F}},
      {"damping", 1.F, "N s/m", {0.F, 3.F}},     {"half_size", 1.F, "m", {0.3F, 5.F}},
      {"restitution", 0.5F, "1", {0.F, 1.F}},    {"goal_radius", 0.1F, "m", {0.01F, 0.5F}},
      {"goal_speed", 0.3F, "m/s", {0.01F, 5.F}}, {"time_step", 0.05F, "s", {0.005F, 0.05F}}};
  static constexpr float kBonus = 10.F;

  template <class F>
  HD static State<F> reset(Params<F> const& p, Random<F>& random) {
    F const far = F(0.9F) * p.half_size;
    F const x = random.uniform(-far, far);
    F const y = random.uniform(-far, far);
    F const goal_x = random.uniform(-far, far);
    return {x, y, F(0.F), F(0.F), goal_x, random.uniform(-far, far)};
  }

  /// One axis: the walls stop the mass and send it back with a part of its speed.
  template <class F>
  HD static void move(F& position, F& velocity, F push, Params<F> const& p) {
    F const speed = velocity + p.time_step / p.mass * (p.force * push - p.damping * velocity);
    F const there = position + p.time_step * speed;
    position = math::clamp(there, -p.half_size, p.half_size);
    velocity = select(math::abs(there) > p.half_size, -(p.restitution * speed), speed);
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    move(s.x, s.velocity_x, action[0], p);
    move(s.y, s.velocity_y, action[1], p);
    F const dx = s.goal_x - s.x, dy = s.goal_y - s.y;
    F const distance = math::sqrt(dx * dx + dy * dy);
    F const speed = math::sqrt(s.velocity_x * s.velocity_x + s.velocity_y * s.velocity_y);
    auto const arrived = (distance < p.goal_radius) & (speed < p.goal_speed);
    // The diagonal is 2 sqrt(2) half_size.
    F const cost = distance * F(0.353553391F) / p.half_size;
    return {select(arrived, F(kBonus), F(0.F)) - cost, arrived};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    o[0] = s.x;
    o[1] = s.y;
    o[2] = s.velocity_x;
    o[3] = s.velocity_y;
    o[4] = s.goal_x - s.x;
    o[5] = s.goal_y - s.y;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    float const size = p.half_size, body = 0.07F * size, wall = size + body;
    scene.camera({0, 0}, 2.36F * size, 2.36F * size);
    scene.backdrop = Colour::muted;
    scene.box({0, 0}, {wall, wall}, 0, Colour::background);
    Point const at{s.x, s.y}, goal{s.goal_x, s.goal_y};
    scene.disc(goal, p.goal_radius + body, faded(Colour::leaf, 0.3F));
    scene.disc(goal, 0.4F * body, Colour::leaf);
    // The velocity as a trail: where the mass was a quarter of a second ago.
    scene.capsule(at - 0.25F * Point{s.velocity_x, s.velocity_y}, at, 0.5F * body,
                  faded(Colour::sky, 0.6F));
    scene.disc(at, body, Colour::accent);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(PointMass);
