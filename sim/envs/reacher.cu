#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// An arm of two links on a table must bring its tip to a target and hold it still there.
///
/// Action       (2): torques of shoulder and elbow, each clipped to [-1, 1] of its largest
/// Observation  (10): cos, sin of the shoulder's angle, cos, sin of the elbow's (0 stretched),
///              both angular velocities [rad/s], target (2) [m], target - tip (2) [m]
/// Reward       -distance of the tip from the target / diameter of its reach, within [-1, 0];
///              10 more on arrival
/// Start        any pose, at rest; target anywhere in the ring that the tip can reach
/// Terminated   arrived: tip within target_radius of the target and slower than target_speed
/// Truncated    after 200 steps
/// Source       Spong, Hutchinson, Vidyasagar 2006, "Robot Modeling and Control", section 7.3.2
///              (two-link arm, no gravity); RK4 steps; own task
struct Reacher {
  static constexpr EnvSpec spec{
      .name = "Reacher",
      .summary = "bring the tip of a two-link arm to a target",
      .actions = Continuous{2, -1.F, 1.F},
      .observation = 10,
      .max_steps = 200,
      .observation_low = {-1, -1, -1, -1, -kUnbounded, -kUnbounded, -1, -1, -2, -2},
      .observation_high = {1, 1, 1, 1, kUnbounded, kUnbounded, 1, 1, 2, 2},
      .source = "Spong et al. 2006; own task",
      .goal = true};

  template <class F>
  struct State {
    F shoulder, elbow, shoulder_speed, elbow_speed, target_x, target_y;
  };
  template <class F>
  struct Params {
    F length_1, length_2, mass_1, mass_2, damping, shoulder_torque, elbow_torque, target_radius,
        target_speed, time_step;
  };
  // The links are uniform rods.
  static constexpr ParamSpec params[] = {
      {"length_1", 0.5F, "m", {0.1F, 1.F}},        {"length_2", 0.5F, "m", {0.1F, 1.F}},
      {"mass_1", 1.F, "kg", {0.2F, 5.F}},          {"mass_2", 1.F, "kg", {0.2F, 5.F}},
      {"damping", 0.1F, "N m s", {0.F, 1.F}},      {"shoulder_torque", 2.F, "N m", {0.2F, 5.F}},
      {"elbow_torque", 1.F, "N m", {0.1F, 2.F}},   {"target_radius", 0.05F, "m", {0.005F, 0.5F}},
      {"target_speed", 0.2F, "m/s", {0.01F, 5.F}}, {"time_step", 0.02F, "s", {0.002F, 0.02F}}};
  static constexpr float kBonus = 10.F;

  template <class F>
  HD static State<F> reset(Params<F> const& p, Random<F>& random) {
    F const shoulder = random.uniform(F(-math::kPi), F(math::kPi));
    F const elbow = random.uniform(F(-math::kPi), F(math::kPi));
    F sine, cosine;
    math::sincos(random.uniform(F(-math::kPi), F(math::kPi)), sine, cosine);
    // Uniform by area.
    F const inner = p.length_1 - p.length_2, outer = p.length_1 + p.length_2;
    F const radius = math::sqrt(random.uniform(inner * inner, outer * outer));
    return {shoulder, elbow, F(0.F), F(0.F), radius * cosine, radius * sine};
  }

  /// The joints' part of the state, and its derivative.
  template <class F>
  struct Joints {
    F shoulder, elbow, shoulder_speed, elbow_speed;
  };
  /// What the equations of motion need of the parameters.
  template <class F>
  struct Arm {
    F inertia_11, inertia_22;  // the constant parts of the mass matrix
    F coupling;                // mass_2 length_1 (length_2 / 2)
    F damping, shoulder_torque, elbow_torque;
  };

  /// Both rows of M q'' + C q' + damping q' = torque, by Cramer's rule.
  template <class F>
  HD static Joints<F> slope(Joints<F> const& q, Arm<F> const& a) {
    F sine, cosine;
    math::sincos(q.elbow, sine, cosine);
    F const swing = a.coupling * cosine, whirl = a.coupling * sine;
    F const m11 = a.inertia_11 + (swing + swing), m12 = a.inertia_22 + swing;
    F const v1 = q.shoulder_speed, v2 = q.elbow_speed;
    F const f1 = a.shoulder_torque - a.damping * v1 + whirl * v2 * (v2 + (v1 + v1));
    F const f2 = a.elbow_torque - a.damping * v2 - whirl * (v1 * v1);
    F const inverse = F(1.F) / (m11 * a.inertia_22 - m12 * m12);
    return {v1, v2, (a.inertia_22 * f1 - m12 * f2) * inverse, (m11 * f2 - m12 * f1) * inverse};
  }

  template <class F>
  HD static Joints<F> moved(Joints<F> const& q, F time, Joints<F> const& slope) {
    return {math::fma(time, slope.shoulder, q.shoulder), math::fma(time, slope.elbow, q.elbow),
            math::fma(time, slope.shoulder_speed, q.shoulder_speed),
            math::fma(time, slope.elbow_speed, q.elbow_speed)};
  }

  /// Tip of the arm and its velocity.
  template <class F>
  struct Tip {
    F x, y, velocity_x, velocity_y;
  };
  template <class F>
  HD static Tip<F> tip(State<F> const& s, Params<F> const& p) {
    F sine_1, cosine_1, sine_2, cosine_2;
    math::sincos(s.shoulder, sine_1, cosine_1);
    math::sincos(s.elbow, sine_2, cosine_2);
    F const upper_x = p.length_1 * cosine_1, upper_y = p.length_1 * sine_1;
    F const fore_x = p.length_2 * (cosine_1 * cosine_2 - sine_1 * sine_2);
    F const fore_y = p.length_2 * (sine_1 * cosine_2 + cosine_1 * sine_2);
    F const both = s.shoulder_speed + s.elbow_speed;
    return {upper_x + fore_x, upper_y + fore_y, -(s.shoulder_speed * upper_y) - both * fore_y,
            s.shoulder_speed * upper_x + both * fore_x};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    F const second = F(1.F / 3.F) * p.mass_2 * (p.length_2 * p.length_2);
    Arm<F> const a{(F(1.F / 3.F) * p.mass_1 + p.mass_2) * (p.length_1 * p.length_1) + second,
                   second,
                   F(0.5F) * p.mass_2 * p.length_1 * p.length_2,
                   p.damping,
                   p.shoulder_torque * action[0],
                   p.elbow_torque * action[1]};
    F const half = F(0.5F) * p.time_step;
    Joints<F> const q{s.shoulder, s.elbow, s.shoulder_speed, s.elbow_speed};
    Joints<F> const k1 = slope(q, a);
    Joints<F> const k2 = slope(moved(q, half, k1), a);
    Joints<F> const k3 = slope(moved(q, half, k2), a);
    Joints<F> const k4 = slope(moved(q, p.time_step, k3), a);
    F const sixth = F(1.F / 6.F) * p.time_step;
    auto advanced = [&](F x, F x1, F x2, F x3, F x4) {
      return math::fma(sixth, x1 + (x2 + x2) + (x3 + x3) + x4, x);
    };
    s.shoulder =
        math::wrap_angle(advanced(q.shoulder, k1.shoulder, k2.shoulder, k3.shoulder, k4.shoulder));
    s.elbow = math::wrap_angle(advanced(q.elbow, k1.elbow, k2.elbow, k3.elbow, k4.elbow));
    s.shoulder_speed = advanced(q.shoulder_speed, k1.shoulder_speed, k2.shoulder_speed,
                                k3.shoulder_speed, k4.shoulder_speed);
    s.elbow_speed =
        advanced(q.elbow_speed, k1.elbow_speed, k2.elbow_speed, k3.elbow_speed, k4.elbow_speed);
    Tip<F> const t = tip(s, p);
    F const dx = s.target_x - t.x, dy = s.target_y - t.y;
    F const distance = math::sqrt(dx * dx + dy * dy);
    F const speed = math::sqrt(t.velocity_x * t.velocity_x + t.velocity_y * t.velocity_y);
    auto const arrived = (distance < p.target_radius) & (speed < p.target_speed);
    F const cost = F(0.5F) * distance / (p.length_1 + p.length_2);
    return {select(arrived, F(kBonus), F(0.F)) - cost, arrived};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const& p, F* o) {
    math::sincos(s.shoulder, o[1], o[0]);
    math::sincos(s.elbow, o[3], o[2]);
    o[4] = s.shoulder_speed;
    o[5] = s.elbow_speed;
    o[6] = s.target_x;
    o[7] = s.target_y;
    Tip<F> const t = tip(s, p);
    o[8] = s.target_x - t.x;
    o[9] = s.target_y - t.y;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    float const reach = p.length_1 + p.length_2, thick = 0.05F * reach;
    scene.camera({0, 0}, 2.3F * reach, 2.3F * reach);
    scene.disc({0, 0}, 1.09F * reach, Colour::surface);
    scene.disc({0, 0}, 1.05F * reach, Colour::background);
    Point const base{0, 0}, target{s.target_x, s.target_y};
    scene.disc(base, 2 * thick, Colour::muted);
    scene.disc(target, p.target_radius + thick, faded(Colour::leaf, 0.5F));
    scene.disc(target, 0.5F * thick, Colour::leaf);
    Point const joint = polar(base, p.length_1, s.shoulder);
    Point const end = polar(joint, p.length_2, s.shoulder + s.elbow);
    scene.capsule(base, joint, thick, Colour::accent);
    scene.capsule(joint, end, 0.85F * thick, Colour::warm);
    scene.disc(base, 0.55F * thick, Colour::ink);
    scene.disc(joint, 0.55F * thick, Colour::ink);
    scene.disc(end, 0.45F * thick, Colour::sun);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(Reacher);
