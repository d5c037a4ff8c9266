#pragma once
// The fused rollout: lane phases and dense layers in one block kernel.
#include <kernels/nn/categorical_body.hpp>
#include <kernels/nn/gaussian_body.hpp>
#include <kernels/nn/mlp_body.hpp>
#include <sim/core/rollout.hpp>
#include <sim/core/step_body.hpp>

namespace loom {

/// Samples an action from `head`, stores it where the step will read it, and returns its log-probability.
template <class Env>
struct SampleAction {
  EnvMemory m;
  PolicyView policy;

  template <class F, class Head>
  HD F operator()(Lane<F> i, Head const& head) const {
    constexpr ActionSpace kSpace = Env::spec.actions;
    auto const* const ints = reinterpret_cast<std::int32_t const*>(m.record.data);
    auto book = [&](Book b) {
      return load(ints + m.record.offset(Layout<Env>::kBook + static_cast<int>(b), i.index),
                  Lane<F>{0});
    };
    Random<F> random(m.seed, as_uint(book(Book::stream)), as_uint(book(Book::tick)),
                     Purpose::action);
    if constexpr (kSpace.discrete) {
      auto const logit = [&](int k) { return head.load(k, i); };
      auto const sums = categorical_sums<F>(kSpace.size, logit);
      IntOf<F> const action =
          policy.greedy ? categorical_greedy<F>(kSpace.size, logit)
                        : categorical_sample<F>(sums, kSpace.size, logit, random.uniform());
      store(reinterpret_cast<std::int32_t*>(m.action.data), i, action);
      return categorical_log_prob<F>(sums, kSpace.size, logit, action);
    } else {
      F sum = F(0.F);
      LOOM_UNROLL
      for (int k = 0; k < kSpace.size; ++k) {
        F const mean = head.load(k, i), log_std = F(policy.log_std[k]);
        F const action = policy.greedy ? mean : gaussian_sample(mean, log_std, random.normal());
        store(m.action, k, i, action);
        sum = sum + gaussian_log_prob(action, mean, log_std);
      }
      return sum;
    }
  }
};

template <class Env>
struct Rollout {
  EnvMemory memory;
  PolicyView policy;
  RolloutView out;

  static constexpr ActionSpace kSpace = Env::spec.actions;
  static constexpr int kHead = kSpace.size;

  /// The batch with the arrays of step t in the place of its own, where the rollout has them.
  HD EnvMemory at(int t) const {
    EnvMemory m = memory;
    auto const n = static_cast<std::ptrdiff_t>(m.num_envs);
    if (out.action != nullptr) m.action.data = out.action + t * n * m.action.fields;
    if (out.reward != nullptr) m.reward = out.reward + t * n;
    if (out.terminated != nullptr) m.terminated = out.terminated + t * n;
    if (out.truncated != nullptr) m.truncated = out.truncated + t * n;
    if (out.final_observation != nullptr)
      m.final_observation.data = out.final_observation + t * n * m.observation.fields;
    return m;
  }

  template <class Block>
  HD void operator()(Block& b) const {
    constexpr int kObservation = Layout<Env>::kObservation;
    auto const head = b.values(kHead);
    auto const value = b.values(1);
    bool const critic = policy.critic.stack.depth > 0;
    LOOM_NO_UNROLL
    for (int t = 0; t < out.steps; ++t) {
      EnvMemory const m = at(t);
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
            auto const log_prob = SampleAction<Env>{m, policy}(lane, head);
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
