#pragma once
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// One lane a trajectory.
struct Horizon {
  int steps, trajectories, first;  ///< the state whose c is discount 0
  float gamma;
  In<float> logit, start;
  Out<float> discount, weight;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F product = first == 0 ? F(1.F) : going_on(i, 0);
    for (int t = 0; t < steps; ++t) {
      auto const at = static_cast<std::ptrdiff_t>(t) * trajectories;
      F const next = F(gamma) * going_on(i, first + t);
      store(discount, i, next, at);
      store(weight, i, product, at);
      product = product * next;
    }
  }

 private:
  template <class F>
  HD F going_on(Lane<F> i, int t) const {
    if (t == 0 && start.size != 0) return load(start, i);
    if (logit.size == 0) return F(1.F);
    return math::sigmoid(F(load(logit, i, static_cast<std::ptrdiff_t>(t) * trajectories)));
  }
};

/// One lane a trajectory.
struct HorizonBackward {
  int steps, trajectories, first;
  float gamma;
  bool known_start;
  In<float> logit, ddiscount;
  Out<float> dlogit;

  template <class F>
  HD void operator()(Lane<F> i) const {
    for (int t = 0; t <= steps; ++t) {
      auto const at = static_cast<std::ptrdiff_t>(t) * trajectories;
      int const of = t - first;
      if (of < 0 || of >= steps || (t == 0 && known_start)) {
        store(dlogit, i, F(0.F), at);
        continue;
      }
      F const p = math::sigmoid(F(load(logit, i, at)));
      F const slope = load(ddiscount, i, static_cast<std::ptrdiff_t>(of) * trajectories);
      store(dlogit, i, F(gamma) * slope * (p * (F(1.F) - p)), at);
    }
  }
};

}  // namespace loom
