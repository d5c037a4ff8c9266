#pragma once
// An action out of a policy's head, for any action space.
#include <kernels/nn/categorical_body.hpp>
#include <kernels/nn/gaussian_body.hpp>
#include <sim/core/rollout.hpp>

namespace loom {

/// Samples an action from `head`, stores it where the step will read it, and returns its log-probability.
/// Random numbers come from the instance's own stream and clock.
template <class F, class Head>
HD F sample_action(ActionSpace const space, EnvMemory const& m, PolicyView const& policy, Lane<F> i,
                   Head const& head) {
  auto const* const ints = reinterpret_cast<std::int32_t const*>(m.record.data);
  auto book = [&](Book b) {
    return load(ints + m.record.offset(m.book + static_cast<int>(b), i.index), Lane<F>{0});
  };
  Random<F> random(m.seed, as_uint(book(Book::stream)), as_uint(book(Book::tick)), Purpose::action);
  if (space.discrete) {
    auto const logit = [&](int k) { return head.load(k, i); };
    auto const sums = categorical_sums<F>(space.size, logit);
    IntOf<F> const action = policy.greedy
                                ? categorical_greedy<F>(space.size, logit)
                                : categorical_sample<F>(sums, space.size, logit, random.uniform());
    store(reinterpret_cast<std::int32_t*>(m.action.data), i, action);
    return categorical_log_prob<F>(sums, space.size, logit, action);
  }
  F sum = F(0.F);
  LOOM_UNROLL
  for (int k = 0; k < space.size; ++k) {
    F const mean = head.load(k, i), log_std = F(policy.log_std[k]);
    F const action = policy.greedy ? mean : gaussian_sample(mean, log_std, random.normal());
    store(m.action, k, i, action);
    sum = sum + gaussian_log_prob(action, mean, log_std);
  }
  return sum;
}

}  // namespace loom
