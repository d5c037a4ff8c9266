#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// A hanging pole must be swung up and balanced by pushing its cart, in the middle of the rail.
///
/// Action       (1): push, clipped to [-1, 1] of `force`
/// Observation  (5): position [m], cos, sin of the angle (0 upright), velocity [m/s], angular
///              velocity [rad/s]
/// Reward       (1 + cos) / 2, times how central, gentle and calm it is; within [0, 1]
/// Start        at rest in the middle, hanging down, all four shaken by N(0, 0.01)
/// Terminated   never                                         Truncated  after 1000 steps
/// Source       Tassa et al. 2018, DeepMind Control Suite, cartpole swingup; steps as MuJoCo's RK4
struct CartPoleSwingup {
  static constexpr EnvSpec spec{
      .name = "CartPoleSwingup",
      .summary = "swing a pole up on a cart and hold it",
      .actions = Continuous{1, -1.F, 1.F},
      .observation = 5,
      .max_steps = 1000,
      .observation_low = {-kUnbounded, -1.F, -1.F, -kUnbounded, -kUnbounded},
      .observation_high = {kUnbounded, 1.F, 1.F, kUnbounded, kUnbounded},
      .source = "Tassa et al. 2018; dm_control cartpole swingup"};

  template <class F>
  struct State {
    F position, angle, velocity, angular_velocity;
  };
  template <class F>
  struct Params {
    F gravity, mass_cart, mass_pole, pole_length, pole_radius, force, rail, damping_cart,
        damping_pole, time_step;
  };
  // The pole is a solid capsule, pole_length between the centres of its round ends.
  static constexpr ParamSpec params[] = {{"gravity", 9.81F, "m/s^2", {0.1F, 30.F}},
                                         {"mass_cart", 1.F, "kg", {0.1F, 10.F}},
                                         {"mass_pole", 0.1F, "kg", {0.01F, 2.F}},
                                         {"pole_length", 1.F, "m", {0.2F, 3.F}},
                                         {"pole_radius", 0.045F, "m", {0.005F, 0.1F}},
                                         {"force", 10.F, "N", {1.F, 50.F}},
                                         {"rail", 1.8F, "m", {0.3F, 10.F}},
                                         {"damping_cart", 5e-4F, "N s/m", {0.F, 5.F}},
                                         {"damping_pole", 2e-6F, "N m s", {0.F, 0.1F}},
                                         {"time_step", 0.01F, "s", {0.001F, 0.02F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    F const position = F(0.01F) * random.normal();
    F const angle = math::wrap_angle(math::fma(F(0.01F), random.normal(), F(math::kPi)));
    F const velocity = F(0.01F) * random.normal();
    return {position, angle, velocity, F(0.01F) * random.normal()};
  }

  /// What the equations of motion need of the parameters.
  template <class F>
  struct Plant {
    F mass, inertia;  // the constant entries of the mass matrix
    F moment;         // mass_pole times the distance of its centre from the hinge
    F weight;         // moment times gravity
    F inverse_mass;   // of the cart with the pole upright: what scales the rail's softness
    F push;
  };
  template <class F>
  HD static Plant<F> plant(Params<F> const& p, F push) {
    F const half = F(0.5F) * p.pole_length, radius = p.pole_radius;
    F const ends = p.mass_pole * (F(4.F) * radius) / (F(4.F) * radius + F(3.F) * p.pole_length);
    F const rod = p.mass_pole - ends;
    F const square = p.pole_length * p.pole_length, round = radius * radius;
    F const spin = rod * (F(3.F) * round + square) * F(1.F / 12.F) + F(0.4F) * (ends * round) +
                   ends * p.pole_length * (F(3.F) * radius + F(2.F) * p.pole_length) * F(0.125F);
    F const mass = p.mass_cart + p.mass_pole, moment = p.mass_pole * half;
    F const inertia = spin + moment * half;
    return {mass, inertia, moment, moment * p.gravity, inertia / (mass * inertia - moment * moment),
            push};
  }

  // The rail's ends are soft: MuJoCo's solreflimit and solimplimit of the model.
  static constexpr float kDamping = 2.F / (0.95F * 0.08F);                    // 1/s
  static constexpr float kStiffness = 1.F / (0.95F * 0.08F * 0.95F * 0.08F);  // 1/s^2
  static constexpr float kSoftest = 0.9F, kHardest = 0.95F, kWidth = 0.001F;  // impedance; m

  /// d/dt of the state. The one constraint, at the end that the cart has passed, has the closed
  /// form force = max(0, (a_ref - a_free) / (1 / mass + softness)) of MuJoCo's convex problem.
  template <class F>
  HD static State<F> slope(State<F> const& s, Params<F> const& p, Plant<F> const& m) {
    F sine, cosine;
    math::sincos(s.angle, sine, cosine);
    F const coupling = m.moment * cosine;
    F const inverse = F(1.F) / (m.mass * m.inertia - coupling * coupling);
    F const f1 = m.push - p.damping_cart * s.velocity +
                 m.moment * sine * (s.angular_velocity * s.angular_velocity);
    F const f2 = m.weight * sine - p.damping_pole * s.angular_velocity;
    F const free = (m.inertia * f1 - coupling * f2) * inverse;
    F const inverse_mass = m.inertia * inverse;
    // Impedance: a smooth step from softest at the end of the rail to hardest kWidth beyond it.
    F const beyond = math::abs(s.position) - p.rail;
    F const depth = math::min(math::max(beyond, F(0.F)) * F(1.F / kWidth), F(1.F));
    F const rest = F(1.F) - depth;
    F const rise =
        select(depth < F(0.5F), F(2.F) * (depth * depth), F(1.F) - F(2.F) * (rest * rest));
    F const impedance = math::fma(rise, F(kHardest - kSoftest), F(kSoftest));
    // Along `inwards` the constraint asks for this acceleration.
    F const inwards = select(s.position > F(0.F), F(-1.F), F(1.F));
    F const asked = F(kStiffness) * impedance * beyond - F(kDamping) * (inwards * s.velocity);
    F const missing = math::max(asked - inwards * free, F(0.F));
    F const force = select(beyond > F(0.F),
                           inwards * (impedance * missing) /
                               (impedance * inverse_mass + (F(1.F) - impedance) * m.inverse_mass),
                           F(0.F));
    return {s.velocity, s.angular_velocity, free + inverse_mass * force,
            (m.mass * f2 - coupling * (f1 + force)) * inverse};
  }

  template <class F>
  HD static State<F> moved(State<F> const& s, F time, State<F> const& slope) {
    return {math::fma(time, slope.position, s.position), math::fma(time, slope.angle, s.angle),
            math::fma(time, slope.velocity, s.velocity),
            math::fma(time, slope.angular_velocity, s.angular_velocity)};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    Plant<F> const m = plant(p, p.force * action[0]);
    F const half = F(0.5F) * p.time_step;
    State<F> const k1 = slope(s, p, m);
    State<F> const k2 = slope(moved(s, half, k1), p, m);
    State<F> const k3 = slope(moved(s, half, k2), p, m);
    State<F> const k4 = slope(moved(s, p.time_step, k3), p, m);
    auto mean = [](F x1, F x2, F x3, F x4) {
      return F(1.F / 6.F) * (x1 + (x2 + x2) + (x3 + x3) + x4);
    };
    s = moved(s, p.time_step,
              State<F>{mean(k1.position, k2.position, k3.position, k4.position),
                       mean(k1.angle, k2.angle, k3.angle, k4.angle),
                       mean(k1.velocity, k2.velocity, k3.velocity, k4.velocity),
                       mean(k1.angular_velocity, k2.angular_velocity, k3.angular_velocity,
                            k4.angular_velocity)});
    s.angle = math::wrap_angle(s.angle);
    // dm_control's tolerance(): 1 at 0, a Gaussian that is 0.1 at the margin of 2 m and 5 rad/s.
    constexpr float kLogTenth = -2.30258509F;
    F const upright = F(0.5F) + F(0.5F) * math::cos(s.angle);
    F const central = F(0.5F) + F(0.5F) * math::exp(F(kLogTenth / 4.F) * (s.position * s.position));
    F const calm = F(0.5F) + F(0.5F) * math::exp(F(kLogTenth / 25.F) *
                                                 (s.angular_velocity * s.angular_velocity));
    F const gentle = F(1.F) - F(0.2F) * (action[0] * action[0]);
    F const reward = upright * gentle * calm * central;
    return {reward, reward < F(0.F)};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    o[0] = s.position;
    math::sincos(s.angle, o[2], o[1]);
    o[3] = s.velocity;
    o[4] = s.angular_velocity;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    float const reach = p.pole_length + 0.2F;
    scene.camera({0, 0}, 2 * reach, 2 * p.rail + 0.7F);
    scene.capsule({-p.rail, 0}, {p.rail, 0}, 0.025F, Colour::muted);
    scene.capsule({-p.rail, -0.14F}, {-p.rail, 0.14F}, 0.035F, Colour::berry);
    scene.capsule({p.rail, -0.14F}, {p.rail, 0.14F}, 0.035F, Colour::berry);
    // Where the pole's tip belongs.
    scene.disc({0, p.pole_length}, 0.11F, faded(Colour::leaf, 0.5F));
    scene.box({s.position, 0}, {0.27F, 0.15F}, 0, Colour::accent);
    Point const hinge{s.position, 0};
    scene.capsule(hinge, polar(hinge, p.pole_length, 0.5F * math::kPi - s.angle), 0.075F,
                  Colour::warm);
    scene.disc(hinge, 0.055F, Colour::ink);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(CartPoleSwingup);
