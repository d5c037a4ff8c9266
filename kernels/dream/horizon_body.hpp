#pragma once
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// One lane a trajectory.
struct Horizon {
  int steps, trajectories;
  float gamma;
  In<float> logit, start;
  Out<float> discount, weight;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F product = start.size != 0 ? F(load(start, i)) : going_on(i, 0);
    for (int t = 0; t < steps; ++t) {
      auto const at = static_cast<std::ptrdiff_t>(t) * trajectories;
      F const next = F(gamma) * going_on(i, t + 1);
      store(discount, i, next, at);
      store(weight, i, product, at);
      product = product * next;
    }
  }

 private:
  template <class F>
  HD F going_on(Lane<F> i, int t) const {
    if (logit.size == 0) return F(1.F);
    return math::sigmoid(F(load(logit, i, static_cast<std::ptrdiff_t>(t) * trajectories)));
  }
};

}  // namespace loom
