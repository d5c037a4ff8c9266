#pragma once
// The fused rollout: lane phases and dense layers in one block kernel.
#include <kernels/nn/mlp_body.hpp>
#include <sim/core/rollout.hpp>
#include <sim/core/sample_action_body.hpp>
#include <sim/core/step_body.hpp>

namespace loom {

template <class Env>
struct Rollout {
  EnvMemory memory;
  PolicyView policy;
  RolloutView out;

  static constexpr ActionSpace kSpace = Env::spec.actions;
  static constexpr int kHead = kSpace.size;

  template <class Block>
  HD void operator()(Block& b) const {
    constexpr int kObservation = Layout<Env>::kObservation;
    auto const head = b.values(kHead);
    auto const value = b.values(1);
    bool const critic = policy.critic.stack.depth > 0;
    LOOM_NO_UNROLL
    for (int t = 0; t < out.steps; ++t) {
      EnvMemory const m = at_step(memory, out, t);
      Tiles<float> const seen{
          out.observation + static_cast<std::ptrdiff_t>(t) * m.num_envs * kObservation,
          kObservation};
      auto x = b.tile(kObservation, [&](int field, auto lane) {
        auto const o = load(m.observation, field, lane);
        if (out.observation != nullptr) store(seen, field, lane, o);
        return policy.norm(field, o);
      });
      auto keep = b.keep(x);
      keep.alive = critic;
      mlp<Outputs::few>(b, policy.actor, keep, [&](auto place, auto v) { b.put(head, place, v); });
      if (critic)
        mlp<Outputs::few>(b, policy.critic, x, [&](auto place, auto v) { b.put(value, place, v); });
      b.sync();
      b.compacted(
          [&](auto lane) {
            constexpr ActionSpace space = Env::spec.actions;
            auto const log_prob = sample_action(space, m, policy, lane, head);
            auto const offset = static_cast<std::ptrdiff_t>(t) * m.num_envs;
            if (out.log_prob != nullptr) store(out.log_prob + offset, lane, log_prob);
            if (critic && out.value != nullptr)
              store(out.value + offset, lane, value.load(0, lane));
            return StepInstances<Env, Actions::given>{m}(lane);
          },
          ResetInstances<Env>{m, true});
    }
  }
};

}  // namespace loom
