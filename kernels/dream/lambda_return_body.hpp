#pragma once
// Lambda returns on lanes: one lane a trajectory.
#include <kernels/core/math.hpp>
#include <kernels/dream/lambda_return.hpp>

namespace loom {

/// One step backwards: `after` comes in as R_{t+1}.
template <class F>
HD F lambda_return_step(float lambda, F reward, F discount, F next_value, F after) {
  F const mixed = math::fma(F(lambda), after - next_value, next_value);
  return math::fma(discount, mixed, reward);
}

struct LambdaReturn {
  LambdaReturnInput in;
  Out<float> returns;
  int steps, trajectories;
  float lambda;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F after = load(in.value, i, at(steps));
    F next = after;
    for (int t = steps - 1; t >= 0; --t) {
      if (in.cut.size != 0) after = select(F(load(in.cut, i, at(t))) != F(0.F), next, after);
      after = lambda_return_step(lambda, load(in.reward, i, at(t)), load(in.discount, i, at(t)),
                                 next, after);
      next = load(in.value, i, at(t));
      store(returns, i, after, at(t));
    }
  }

 private:
  HD std::ptrdiff_t at(int t) const { return static_cast<std::ptrdiff_t>(t) * trajectories; }
};

struct LambdaReturnBackward {
  LambdaReturnInput in;
  In<float> returns, dreturns;
  LambdaReturnGradients gradients;
  int steps, trajectories;
  float lambda;

  template <class F>
  HD void operator()(Lane<F> i) const {
    bool const to_value = gradients.value.size != 0;
    F all = F(0.F);  // of R_t: its own and what comes through R_{t-1}
    if (to_value) store(gradients.value, i, F(0.F), 0);
    for (int t = 0; t < steps; ++t) {
      all = all + load(dreturns, i, at(t));
      F const next = load(in.value, i, at(t + 1));
      F const after = t + 1 < steps ? load(returns, i, at(t + 1)) : next;
      F const reaching = all * load(in.discount, i, at(t));
      if (gradients.reward.size != 0) store(gradients.reward, i, all, at(t));
      if (gradients.discount.size != 0)
        store(gradients.discount, i, all * math::fma(F(lambda), after - next, next), at(t));
      bool const last = t + 1 == steps;
      if (to_value)
        store(gradients.value, i, last ? reaching : reaching * F(1.F - lambda), at(t + 1));
      all = reaching * F(lambda);
    }
  }

 private:
  HD std::ptrdiff_t at(int t) const { return static_cast<std::ptrdiff_t>(t) * trajectories; }
};

}  // namespace loom
