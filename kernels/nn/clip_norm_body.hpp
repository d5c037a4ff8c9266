#pragma once
#include <kernels/linalg/reduce_body.hpp>

namespace loom {

HD bool is_finite(float x) { return x - x == 0.F; }

/// The factor of torch.nn.utils.clip_grad_norm_: min(1, max_norm / (norm + 1e-6)). 1 without a
/// bound (max_norm 0).
HD float clip_factor(float norm, float max_norm) {
  float const factor = max_norm / (norm + 1e-6F);
  return max_norm > 0.F && factor < 1.F ? factor : 1.F;
}

/// Last fold of a norm: the root of the sum.
struct StoreNorm {
  float* norm;
  HD void operator()(int, reduction::Total<float> const& v) const { *norm = math::sqrt(v.sum); }
};

struct ClipByNorm {
  float max_norm;
  In<float> norm;
  Out<float> gradient;

  template <class F>
  HD void operator()(Lane<F> i) const {
    float const factor = clip_factor(norm[0], max_norm);
    // Nothing to do is the common case; a gradient that is not finite is left for its owner to see.
    if (factor < 1.F && is_finite(norm[0]))
      store(gradient, i, load(In<float>(gradient), i) * F(factor));
  }
};

}  // namespace loom
