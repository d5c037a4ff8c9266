#pragma once
// Noise, delay and sticky actions as lane code, for any environment.
#include <kernels/core/random.hpp>
#include <sim/core/disturbance.hpp>
#include <sim/core/memory.hpp>

namespace loom {

/// One instance's (or pack's) disturbances. `tail` points at the first of their fields, lane 0.
template <class F, int kActions>
struct Disturbed {
  float* tail;
  std::uint64_t seed;
  UintOf<F> stream;

  HD F parameter(Disturbance d) const {
    return load(tail + static_cast<int>(d) * kTile, Lane<F>{0});
  }

  /// What arrives of the words of an action: late, stuck, noisy. step: taken before in this episode.
  HD void act(ActionSpace const& space, IntOf<F> step, UintOf<F> tick, F* action) const {
    float* const last = tail + kDisturbances * kTile;
    float* const asked = last + kActions * kTile;
    auto const slot = [&](IntOf<F> t, int a) {
      return ((t & kMaxDelay) * kActions + a) * kTile + iota(Lane<F>{0});
    };
    static_assert((kMaxDelay & (kMaxDelay + 1)) == 0, "slots are numbered by a mask");
    auto const delay = to_int(parameter(Disturbance::action_delay));
    auto const sent = select(step > delay, step - delay, IntOf<F>(0));
    Random<F> random(seed, stream, tick, Purpose::action_noise);
    MaskOf<F> const stuck =
        (random.uniform() < parameter(Disturbance::sticky_action)) & (step != 0);
    F const noise = parameter(Disturbance::action_noise);
    LOOM_UNROLL
    for (int a = 0; a < kActions; ++a) {
      scatter(asked, slot(step, a), action[a]);
      action[a] = select(stuck, load(last + a * kTile, Lane<F>{0}), gather(asked, slot(sent, a)));
      store(last + a * kTile, Lane<F>{0}, action[a]);
      if (space.discrete) {
        MaskOf<F> const lost = random.uniform() < noise;
        auto const other = to_int(random.uniform() * F(to_float(space.size)));
        action[a] = select(lost, as_float(other), action[a]);
      } else {
        F const deviation = noise * F(0.5F * (space.high - space.low));
        action[a] = math::clamp(math::fma(random.normal(), deviation, action[a]), F(space.low),
                                F(space.high));
      }
    }
  }
};

/// Noise on an observation of n numbers.
template <class F>
HD void add_noise(F deviation, Random<F> random, int n, F* observation) {
  LOOM_UNROLL
  for (int f = 0; f < n; ++f)
    observation[f] = math::fma(random.normal(), deviation, observation[f]);
}

}  // namespace loom
