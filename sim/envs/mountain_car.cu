#include <sim/envs/valley.hpp>

namespace loom {
namespace {

/// An under-powered car must rock itself out of a valley.
///
/// Action       {0, 1, 2}: push left, coast, push right
/// Observation  (2): position, velocity per step
/// Reward       -1 a step
/// Start        position ~ U(-0.6, -0.4), at rest
/// Terminated   position >= goal, moving right or at rest      Truncated  after 200 steps
/// Source       Moore 1990, PhD thesis; constants as Gymnasium MountainCar-v0
struct MountainCar : Valley {
  static constexpr EnvSpec spec{.name = "MountainCar",
                                .summary = "rock a weak car out of a valley",
                                .actions = Discrete{3},
                                .observation = 2,
                                .max_steps = 200,
                                .observation_low = {-1.2F, -0.07F},
                                .observation_high = {0.6F, 0.07F},
                                .source = "Moore 1990; Gymnasium MountainCar-v0",
                                .goal = true};

  static constexpr ParamSpec params[] = {{"force", 0.001F, "1/step^2", {0.0005F, 0.002F}},
                                         {"gravity", 0.0025F, "1/step^2", {0.001F, 0.005F}},
                                         {"wave_number", 3.F, "rad", {2.5F, 3.5F}},
                                         {"max_speed", 0.07F, "1/step", {0.005F, 0.07F}},
                                         {"wall", 1.2F, "1", {0.62F, 1.2F}},
                                         {"goal", 0.5F, "1", {-0.38F, 0.55F}}};

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, IntOf<F> action, Random<F>&) {
    return {F(-1.F), roll(s, p, p.force * (convert<F>(action) - F(1.F)))};
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(MountainCar);
