#include <sim/envs/valley.hpp>

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
struct MountainCarContinuous : Valley {
  static constexpr EnvSpec spec{.name = "MountainCarContinuous",
                                .summary = "rock a weak car out of a valley, sparing its engine",
                                .actions = Continuous{1, -1.F, 1.F},
                                .observation = 2,
                                .max_steps = 999,
                                .observation_low = {-1.2F, -0.07F},
                                .observation_high = {0.6F, 0.07F},
                                .source = "Moore 1990; Gymnasium MountainCarContinuous-v0",
                                .goal = true};

  static constexpr ParamSpec params[] = {{"force", 0.0015F, "1/step^2", {0.0005F, 0.003F}},
                                         {"gravity", 0.0025F, "1/step^2", {0.001F, 0.005F}},
                                         {"wave_number", 3.F, "rad", {2.5F, 3.5F}},
                                         {"max_speed", 0.07F, "1/step", {0.005F, 0.07F}},
                                         {"wall", 1.2F, "1", {0.62F, 1.2F}},
                                         {"goal", 0.45F, "1", {-0.38F, 0.55F}}};

  template <class F>
  HD static Outcome<F> step(State<F>& s, Params<F> const& p, F const* action, Random<F>&) {
    auto const arrived = roll(s, p, p.force * action[0]);
    return {select(arrived, F(100.F), F(0.F)) - F(0.1F) * (action[0] * action[0]), arrived};
  }
};

}  // namespace
}  // namespace loom
LOOM_ENVIRONMENT(MountainCarContinuous);
