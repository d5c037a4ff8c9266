#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// Two links hang from a pivot; a motor at the elbow alone must swing the tip above a line.
///
/// Action       {0, 1, 2}: torque at the elbow -1, 0, +1 of `torque`
/// Observation  (6): cos, sin of the first angle (0 hangs down), cos, sin of the second (relative
///              to the first link), both angular velocities [rad/s]
/// Reward       -1 a step, 0 for the one that ends it
/// Start        all four ~ U(-0.1, 0.1)
/// Terminated   the tip is more than goal_height above the pivot   Truncated  after 500 steps
/// Source       Sutton 1996; "book" dynamics and RK4 step as Gymnasium Acrobot-v1
struct Acrobot {
  static constexpr EnvSpec spec{.name = "Acrobot",
                                .summary = "swing a two-link robot up by its elbow",
                                .actions = Discrete{3},
                                .observation = 6,
                                .max_steps = 500,
                                .observation_low = {-1, -1, -1, -1, -12.566371F, -28.274334F},
                                .observation_high = {1, 1, 1, 1, 12.566371F, 28.274334F},
                                .source = "Sutton 1996; Gymnasium Acrobot-v1",
                                .goal = true};

  template <class F>
  struct State {
    F angle_1, angle_2, speed_1, speed_2;
  };
  template <class F>
  struct Params {
    F gravity, length_1, length_2, mass_1, mass_2, centre_1, centre_2, inertia_1, inertia_2, torque,
        time_step, max_speed_1, max_speed_2, goal_height;
  };
  // The centre of mass as a part of the length, so that it stays on the link whatever its length.
  static constexpr ParamSpec params[] = {{"gravity", 9.8F, "m/s^2", {0.1F, 30.F}},
                                         {"length_1", 1.F, "m", {0.5F, 2.F}},
                                         {"length_2", 1.F, "m", {0.5F, 2.F}},
                                         {"mass_1", 1.F, "kg", {0.2F, 5.F}},
                                         {"mass_2", 1.F, "kg", {0.2F, 5.F}},
                                         {"centre_1", 0.5F, "length_1", {0.1F, 1.F}},
                                         {"centre_2", 0.5F, "length_2", {0.1F, 1.F}},
                                         {"inertia_1", 1.F, "kg m^2", {0.1F, 5.F}},
                                         {"inertia_2", 1.F, "kg m^2", {0.1F, 5.F}},
                                         {"torque", 1.F, "N m", {0.1F, 10.F}},
                                         {"time_step", 0.2F, "s", {0.01F, 0.25F}},
                                         {"max_speed_1", 12.566371F, "rad/s", {0.5F, 12.566371F}},
                                         {"max_speed_2", 28.274334F, "rad/s", {0.5F, 28.274334F}},
                                         {"goal_height", 1.F, "m", {-1.75F, 3.5F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    F const angle_1 = random.uniform(F(-0.1F), F(0.1F));
    F const angle_2 = random.uniform(F(-0.1F), F(0.1F));
    F const speed_1 = random.uniform(F(-0.1F), F(0.1F));
    return {angle_1, angle_2, speed_1, random.uniform(F(-0.1F), F(0.1F))};
  }

  /// What the equations of motion need of the parameters.
  template <class F>
  struct Arm {
    F inertia_11, inertia_22;  // the constant parts of the mass matrix
    F coupling;                // m2 l1 lc2
    F weight_1, weight_2;      // torques of the weights, arms horizontal
    F torque;
  };
  template <class F>
  HD static Arm<F> arm(Params<F> const& p, F torque) {
    F const centre_1 = p.centre_1 * p.length_1, centre_2 = p.centre_2 * p.length_2;
    F const inertia_22 = p.mass_2 * centre_2 * centre_2 + p.inertia_2;
    return {p.mass_1 * centre_1 * centre_1 + p.inertia_1 + p.mass_2 * p.length_1 * p.length_1 +
                inertia_22,
            inertia_22,
            p.mass_2 * p.length_1 * centre_2,
            (p.mass_1 * centre_1 + p.mass_2 * p.length_1) * p.gravity,
            p.mass_2 * centre_2 * p.gravity,
            torque};
  }

  /// d/dt of the state: both rows of M q'' = f by Cramer's rule, for one division.
  template <class F>
  HD static State<F> slope(State<F> const& s, Arm<F> const& a) {
    F sine_1, cosine_1, sine_2, cosine_2;
    math::sincos(s.angle_1, sine_1, cosine_1);
    math::sincos(s.angle_2, sine_2, cosine_2);
    F const swing = a.coupling * cosine_2, whirl = a.coupling * sine_2;
    F const m11 = a.inertia_11 + (swing + swing), m12 = a.inertia_22 + swing;
    // cos(angle_1 + angle_2 - pi/2) = sin(angle_1 + angle_2), by the addition theorem.
    F const weight_2 = a.weight_2 * math::fma(sine_1, cosine_2, cosine_1 * sine_2);
    F const f1 =
        whirl * s.speed_2 * (s.speed_2 + (s.speed_1 + s.speed_1)) - a.weight_1 * sine_1 - weight_2;
    F const f2 = a.torque - whirl * (s.speed_1 * s.speed_1) - weight_2;
    F const inverse = F(1.F) / (m11 * a.inertia_22 - m12 * m12);
    return {s.speed_1, s.speed_2, (a.inertia_22 * f1 - m12 * f2) * inverse,
            (m11 * f2 - m12 * f1) * inverse};
  }

  template <class F>
  HD static State<F> moved(State<F> const& s, F time, State<F> const& slope) {
    return {math::fma(time, slope.angle_1, s.angle_1), math::fma(time, slope.angle_2, s.angle_2),
            math::fma(time, slope.speed_1, s.speed_1), math::fma(time, slope.speed_2, s.speed_2)};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, IntOf<F> action, Random<F>&) {
    Arm<F> const a = arm(p, p.torque * (convert<F>(action) - F(1.F)));
    F const half = F(0.5F) * p.time_step;
    State<F> const k1 = slope(s, a);
    State<F> const k2 = slope(moved(s, half, k1), a);
    State<F> const k3 = slope(moved(s, half, k2), a);
    State<F> const k4 = slope(moved(s, p.time_step, k3), a);
    auto mean = [](F x1, F x2, F x3, F x4) {
      return F(1.F / 6.F) * (x1 + (x2 + x2) + (x3 + x3) + x4);
    };
    s = moved(s, p.time_step,
              State<F>{mean(k1.angle_1, k2.angle_1, k3.angle_1, k4.angle_1),
                       mean(k1.angle_2, k2.angle_2, k3.angle_2, k4.angle_2),
                       mean(k1.speed_1, k2.speed_1, k3.speed_1, k4.speed_1),
                       mean(k1.speed_2, k2.speed_2, k3.speed_2, k4.speed_2)});
    s.angle_1 = math::wrap_angle(s.angle_1);
    s.angle_2 = math::wrap_angle(s.angle_2);
    s.speed_1 = math::clamp(s.speed_1, -p.max_speed_1, p.max_speed_1);
    s.speed_2 = math::clamp(s.speed_2, -p.max_speed_2, p.max_speed_2);
    F sine_1, cosine_1, sine_2, cosine_2;
    math::sincos(s.angle_1, sine_1, cosine_1);
    math::sincos(s.angle_2, sine_2, cosine_2);
    F const tip = -(p.length_1 * cosine_1) - p.length_2 * (cosine_1 * cosine_2 - sine_1 * sine_2);
    auto const up = tip > p.goal_height;
    return {select(up, F(0.F), F(-1.F)), up};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    math::sincos(s.angle_1, o[1], o[0]);
    math::sincos(s.angle_2, o[3], o[2]);
    o[4] = s.speed_1;
    o[5] = s.speed_2;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    float const reach = p.length_1 + p.length_2;
    scene.camera({0, 0}, 2.2F * reach, 2.2F * reach);
    Point const pivot{0, 0}, elbow = polar(pivot, p.length_1, s.angle_1 - 0.5F * math::kPi);
    Point const tip = polar(elbow, p.length_2, s.angle_1 + s.angle_2 - 0.5F * math::kPi);
    // The sky above the line is where the tip has to be.
    scene.box({0, p.goal_height + 5 * reach}, {10 * reach, 5 * reach}, 0, Colour::surface);
    scene.capsule({-10 * reach, p.goal_height}, {10 * reach, p.goal_height}, 0.012F * reach,
                  Colour::leaf);
    scene.capsule(pivot, elbow, 0.055F * reach, Colour::accent);
    scene.capsule(elbow, tip, 0.055F * reach, Colour::warm);
    scene.disc(pivot, 0.03F * reach, Colour::ink);
    scene.disc(elbow, 0.03F * reach, Colour::ink);
    scene.disc(tip, 0.03F * reach, Colour::sun);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(Acrobot);
