#include <sim/core/environment.hpp>

namespace loom {
namespace {

constexpr int kRows = 5, kColumns = 7, kArm = 3;

constexpr EnvSpec crossroads() {
  EnvSpec s{.name = "Crossroads",
            .summary = "say which way a dot has turned that turns at random",
            .actions = Discrete{2},
            .observation = kRows * kColumns,
            .max_steps = 20,
            .source = "own"};
  for (int k = 0; k < s.observation; ++k) s.observation_high[k] = 1.F;
  return s;
}

/// A dot walks up a corridor, turns left or right at random, and must be called by the side it went to: what comes
/// after the corridor has two modes, and nothing foretells which.
///
/// Action       {0, 1}: left, right, said of the arm that the dot is in
/// Observation  (35): 5 rows of 7 pixels, top row first; each the dot's share in it, (1 - |dx|) (1 - |dy|)
/// Reward       1 when the dot is in the arm that is said, otherwise 0
/// Start        at the corridor's lower end
/// Terminated   at the end of an arm          Truncated  after 20 steps
/// Source       own task
struct Crossroads {
  static constexpr EnvSpec spec = crossroads();

  /// Cells right of the corridor and below the arms.
  template <class F>
  struct State {
    F x, y;
  };
  template <class F>
  struct Params {
    F right, speed, corridor;
  };
  static constexpr ParamSpec params[] = {{"right", 0.5F, "probability", {0.F, 1.F}},
                                         {"speed", 1.F, "cells/step", {0.5F, 1.F}},
                                         {"corridor", 4.F, "cells", {1.F, 4.F}}};

  template <class F>
  HD static State<F> reset(Params<F> const& p, Random<F>&) {
    return {F(0.F), p.corridor};
  }

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, IntOf<F> action, Random<F>& random) {
    F const drawn = select(random.uniform() < p.right, F(1.F), F(-1.F));
    F const went = select(s.x > F(0.F), F(1.F), F(-1.F));
    auto const in_arm = s.x != F(0.F), below = s.y > F(0.F);
    F const said = select(convert<F>(action) > F(0.5F), F(1.F), F(-1.F));
    F const reward = select(in_arm & (said == went), F(1.F), F(0.F));
    F const along = s.x + p.speed * select(in_arm, went, drawn);
    constexpr auto kEnd = static_cast<float>(kArm);
    s.x = select(below, s.x, math::clamp(along, F(-kEnd), F(kEnd)));
    s.y = math::max(s.y - p.speed, F(0.F));
    return {reward, math::abs(s.x) >= F(kEnd)};
  }

  template <class F>
  HD static void observe(State<F> const& s, Params<F> const&, F* o) {
    for (int row = 0; row < kRows; ++row) {
      F const down = math::max(F(1.F) - math::abs(s.y - F(static_cast<float>(row))), F(0.F));
      for (int column = 0; column < kColumns; ++column) {
        F const x = F(static_cast<float>(column - kArm));
        o[row * kColumns + column] = down * math::max(F(1.F) - math::abs(s.x - x), F(0.F));
      }
    }
  }

  HD static void draw(State<float> const& s, Params<float> const& p, Scene& scene) {
    scene.camera({0, 0}, 6, 8);
    float const top = 0.5F * (kRows - 1);
    scene.box({0, top}, {kArm + 0.5F, 0.5F}, 0, Colour::surface);
    scene.box({0, top - 0.5F * p.corridor}, {0.5F, 0.5F * p.corridor + 0.5F}, 0, Colour::surface);
    scene.disc({s.x, top - s.y}, 0.4F, Colour::accent);
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(Crossroads);
