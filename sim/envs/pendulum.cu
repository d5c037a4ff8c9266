#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// An under-powered pendulum must be swung up and held upright.
///
/// Action       (1): torque [N m], clipped to [-2, 2]
/// Observation  (3): cos(angle), sin(angle), angular velocity [rad/s]
/// Reward       -(angle^2 + 0.1 velocity^2 + 0.001 torque^2), angle 0 upright, wrapped to [-pi, pi]
/// Start        angle ~ U(-pi, pi), angular velocity ~ U(-1, 1)
/// Terminated   never                                        Truncated  after 200 steps
/// Source       Gymnasium Pendulum-v1
struct Pendulum {
  static constexpr EnvSpec spec{.name = "Pendulum",
                                .summary = "swing a pendulum up and hold it",
                                .actions = Continuous{1, -2.F, 2.F},
                                .observation = 3,
                                .max_steps = 200,
                                .observation_low = {-1.F, -1.F, -8.F},
                                .observation_high = {1.F, 1.F, 8.F},
                                .source = "Gymnasium Pendulum-v1"};

  template <class F>
  struct State {
    F angle, angular_velocity;
    F torque;  // of the last step, for the picture
  };
  template <class F>
  struct Params {
    F gravity, mass, length, time_step, max_speed, max_torque;
  };
  static constexpr ParamSpec params[] = {
      {"gravity", 10.F, "m/s^2", {0.F, 30.F}},  {"mass", 1.F, "kg", {0.1F, 5.F}},
      {"length", 1.F, "m", {0.2F, 3.F}},        {"time_step", 0.05F, "s", {0.005F, 0.1F}},
      {"max_speed", 8.F, "rad/s", {1.F, 20.F}}, {"max_torque", 2.F, "N m", {0.5F, 10.F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    F const angle = random.uniform(F(-math::kPi), F(math::kPi));
    return {angle, random.uniform(F(-1.F), F(1.F)), F(0.F)};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    F const torque = math::clamp(action[0], -p.max_torque, p.max_torque);
    F const angle = math::wrap_angle(s.angle);
    F const speed = s.angular_velocity;
    F const cost = angle * angle + F(0.1F) * (speed * speed) + F(0.001F) * (torque * torque);
    F const acceleration = F(1.5F) * p.gravity / p.length * math::sin(s.angle) +
                           F(3.F) / (p.mass * p.length * p.length) * torque;
    s.angular_velocity = math::clamp(speed + acceleration * p.time_step, -p.max_speed, p.max_speed);
    s.angle = s.angle + s.angular_velocity * p.time_step;
    s.torque = torque;
    return {-cost, cost < F(0.F)};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    math::sincos(s.angle, o[1], o[0]);
    o[2] = s.angular_velocity;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    scene.camera({0, 0}, 2.6F * p.length, 2.6F * p.length);
    Point const pivot{0, 0}, tip = polar(pivot, p.length, 0.5F * math::kPi + s.angle);
    scene.disc(pivot, 1.12F * p.length, Colour::surface);
    scene.disc(pivot, 1.09F * p.length, Colour::background);
    scene.capsule({0, 1.03F * p.length}, {0, 1.1F * p.length}, 0.015F * p.length, Colour::leaf);
    scene.capsule(pivot, tip, 0.09F * p.length, Colour::warm);
    // The torque as a short arm across the pivot: its side is its sign, its length its size.
    Point const push = polar(pivot, 0.25F * p.length * s.torque / p.max_torque, s.angle);
    scene.capsule(pivot, push, 0.03F * p.length, Colour::accent);
    scene.disc(pivot, 0.05F * p.length, Colour::ink);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(Pendulum);
