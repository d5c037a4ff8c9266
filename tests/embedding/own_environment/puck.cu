// The whole of an environment. CPU and GPU kernels, randomisation, snapshots, fused rollouts and pictures follow.
#include <sim/core/environment.hpp>

namespace {
using namespace loom;

/// A puck on ice must be pushed to the mark and held there.
///
/// Action       {0, 1, 2}: push left, let go, push right
/// Observation  (2): position [m], velocity [m/s]
/// Reward       1 - |position| / rink
/// Start        position ~ U(-2, 2) m, at rest
/// Terminated   beyond the rink             Truncated  after 100 steps
struct Puck {
  static constexpr EnvSpec spec{.name = "Puck",
                                .summary = "push a puck to the mark and hold it",
                                .actions = Discrete{3},
                                .observation = 2,
                                .max_steps = 100,
                                .observation_low = {-kUnbounded, -kUnbounded},
                                .observation_high = {kUnbounded, kUnbounded}};

  template <class F>
  struct State {
    F position, velocity;
  };
  template <class F>
  struct Params {
    F mass, friction, force, rink;
  };
  static constexpr ParamSpec params[] = {{"mass", 0.17F, "kg", {0.05F, 1.F}},
                                         {"friction", 0.1F, "N s/m", {0.F, 1.F}},
                                         {"force", 1.F, "N", {0.1F, 5.F}},
                                         {"rink", 3.F, "m", {2.F, 30.F}}};

  template <class F>
  HD static State<F> reset(Params<F> const&, Random<F>& random) {
    return {random.uniform(F(-2.F), F(2.F)), F(0.F)};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, IntOf<F> action, Random<F>&) {
    F const push = p.force * convert<F>(action - 1) - p.friction * s.velocity;
    s.velocity = s.velocity + F(0.05F) * (push / p.mass);
    s.position = s.position + F(0.05F) * s.velocity;
    F const distance = math::abs(s.position);
    return {F(1.F) - distance / p.rink, distance > p.rink};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    o[0] = s.position;
    o[1] = s.velocity;
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    scene.camera({0, 0}, 0.5F * p.rink, 2 * p.rink);
    scene.disc({0, 0}, 0.1F, Colour::leaf);
    scene.disc({s.position, 0}, 0.08F, Colour::ink);
  }
};

}  // namespace
LOOM_ENVIRONMENT(Puck);
