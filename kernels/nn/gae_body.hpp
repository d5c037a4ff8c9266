#pragma once
// Generalised advantage estimation, on lanes: one lane an instance, backwards over its steps.
#include <kernels/core/math.hpp>

namespace loom {

struct GaeConfig {
  float gamma = 0.99F;
  float lambda = 0.95F;
  bool bootstrap_truncated = true;  ///< off: truncation counts as termination
  float reward_limit = 10.F;        ///< of scaled rewards; unscaled ones are taken as they are
};

struct GaeInput {
  In<float> reward, value;
  In<std::uint8_t> terminated, truncated;
  In<float> next_value;    ///< V of the observation after the last step
  In<float> final_value;   ///< V of the last observation of the episode truncated at that step
  In<float> reward_scale;  ///< empty, or one number in device memory
};

/// One step of the recursion. `advantage` and `next_value` come in as those of the step after.
template <class F>
HD void gae_step(GaeConfig const& c, F reward, F value, MaskOf<F> terminated, MaskOf<F> truncated,
                 F final_value, F& advantage, F& next_value) {
  F const after = select(terminated, F(0.F), select(truncated, final_value, next_value));
  F const delta = math::fma(F(c.gamma), after, reward) - value;
  F const carried = select(terminated | truncated, F(0.F), advantage);
  advantage = math::fma(F(c.gamma * c.lambda), carried, delta);
  next_value = value;
}

struct Gae {
  GaeInput in;
  GaeConfig config;
  int steps, instances;
  Out<float> advantage, returns;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F a = F(0.F);
    F next = load(in.next_value, i);
    F const scale = in.reward_scale.size == 0 ? F(1.F) : F(in.reward_scale[0]);
    int t = steps;
    for (; t >= kAhead; t -= kAhead) run<kAhead>(t, i, scale, a, next);
    for (; t > 0; --t) run<1>(t, i, scale, a, next);
  }

 private:
  // The results may alias the inputs for all a compiler knows: loads of several steps stand before
  // the first store, so that their latencies overlap.
  static constexpr int kAhead = 8;

  /// Steps t - 1 ... t - K.
  template <int K, class F>
  HD void run(int t, Lane<F> i, F scale, F& a, F& next) const {
    F reward[K], value[K], final_value[K];
    MaskOf<F> terminated[K], truncated[K];
    LOOM_UNROLL
    for (int k = 0; k < K; ++k) {
      std::ptrdiff_t const at = static_cast<std::ptrdiff_t>(t - 1 - k) * instances;
      reward[k] = load(in.reward, i, at);
      value[k] = load(in.value, i, at);
      terminated[k] = load_mask(in.terminated.data + at, i);
      truncated[k] = load_mask(in.truncated.data + at, i);
      final_value[k] = config.bootstrap_truncated ? load(in.final_value, i, at) : F(0.F);
    }
    LOOM_UNROLL
    for (int k = 0; k < K; ++k) {
      std::ptrdiff_t const at = static_cast<std::ptrdiff_t>(t - 1 - k) * instances;
      F r = reward[k];
      if (in.reward_scale.size != 0)
        r = math::clamp(r * scale, F(-config.reward_limit), F(config.reward_limit));
      gae_step(config, r, value[k], terminated[k], truncated[k], final_value[k], a, next);
      store(advantage, i, a, at);
      store(returns, i, a + value[k], at);
    }
  }
};

}  // namespace loom
