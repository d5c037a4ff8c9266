#include <sim/core/environment.hpp>

namespace loom {
namespace {

/// A pole on a cart must be kept upright by pushing the cart left or right.
///
/// Action       {0, 1}: push left, push right
/// Observation  (4): position [m], velocity [m/s], angle [rad], angular velocity [rad/s]
/// Reward       1 a step
/// Start        all four ~ U(-0.05, 0.05)
/// Terminated   |position| > 2.4 or |angle| > 12 degrees     Truncated  after 500 steps
/// Source       Barto, Sutton, Anderson 1983; constants and Euler steps as Gymnasium CartPole-v1
struct CartPole {
  static constexpr EnvSpec spec{.name = "CartPole",
                                .summary = "keep a pole upright on a cart",
                                .actions = Discrete{2},
                                .observation = 4,
                                .max_steps = 500,
                                .observation_low = {-4.8F, -kUnbounded, -0.41887903F, -kUnbounded},
                                .observation_high = {4.8F, kUnbounded, 0.41887903F, kUnbounded},
                                .source = "Barto, Sutton, Anderson 1983; Gymnasium CartPole-v1"};

  template <class F>
  struct State {
    F position, velocity, angle, angular_velocity;
  };
  template <class F>
  struct Params {
    F gravity, mass_cart, mass_pole, half_length, force, time_step, position_limit, angle_limit;
  };
  static constexpr ParamSpec params[] = {{"gravity", 9.8F, "m/s^2", {0.1F, 30.F}},
                                         {"mass_cart", 1.F, "kg", {0.1F, 10.F}},
                                         {"mass_pole", 0.1F, "kg", {0.01F, 2.F}},
                                         {"half_length", 0.5F, "m", {0.1F, 2.F}},
                                         {"force", 10.F, "N", {1.F, 50.F}},
                                         {"time_step", 0.02F, "s", {0.001F, 0.05F}},
                                         {"position_limit", 2.4F, "m", {0.5F, 10.F}},
                                         {"angle_limit", 0.20943951F, "rad", {0.05F, 1.5F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    F const position = random.uniform(F(-0.05F), F(0.05F));
    F const velocity = random.uniform(F(-0.05F), F(0.05F));
    F const angle = random.uniform(F(-0.05F), F(0.05F));
    return {position, velocity, angle, random.uniform(F(-0.05F), F(0.05F))};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, IntOf<F> action, Random<F>&) {
    F const force = select(action != 0, p.force, -p.force);
    F sine, cosine;
    math::sincos(s.angle, sine, cosine);
    F const inverse_mass = F(1.F) / (p.mass_cart + p.mass_pole);
    F const pole_moment = p.mass_pole * p.half_length;
    F const push =
        (force + pole_moment * (s.angular_velocity * s.angular_velocity) * sine) * inverse_mass;
    F const angular_acceleration =
        (p.gravity * sine - cosine * push) /
        (p.half_length * (F(4.F / 3.F) - p.mass_pole * (cosine * cosine) * inverse_mass));
    F const acceleration = push - pole_moment * angular_acceleration * cosine * inverse_mass;
    s.position = s.position + p.time_step * s.velocity;
    s.velocity = s.velocity + p.time_step * acceleration;
    s.angle = s.angle + p.time_step * s.angular_velocity;
    s.angular_velocity = s.angular_velocity + p.time_step * angular_acceleration;
    return {F(1.F),
            (math::abs(s.position) > p.position_limit) | (math::abs(s.angle) > p.angle_limit)};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    o[0] = s.position;
    o[1] = s.velocity;
    o[2] = s.angle;
    o[3] = s.angular_velocity;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    scene.camera({0, 0.55F}, 2.4F, 2 * p.position_limit + 0.8F);
    scene.box({0, -2.12F}, {20, 2}, 0, Colour::surface);
    scene.capsule({-p.position_limit, -0.11F}, {p.position_limit, -0.11F}, 0.012F, Colour::muted);
    scene.capsule({-p.position_limit, -0.16F}, {-p.position_limit, 0.06F}, 0.018F, Colour::berry);
    scene.capsule({p.position_limit, -0.16F}, {p.position_limit, 0.06F}, 0.018F, Colour::berry);
    for (float wheel = -1; wheel <= 1; wheel += 2)
      scene.disc({s.position + wheel * 0.15F, -0.06F}, 0.05F, Colour::ink);
    scene.box({s.position, 0.02F}, {0.25F, 0.075F}, 0, Colour::accent);
    Point const pivot{s.position, 0.07F};
    scene.capsule(pivot, polar(pivot, 2 * p.half_length, 0.5F * math::kPi - s.angle), 0.035F,
                  Colour::warm);
    scene.disc(pivot, 0.028F, Colour::ink);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(CartPole);
