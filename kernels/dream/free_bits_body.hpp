#pragma once
#include <kernels/core/fold.hpp>
#include <kernels/core/math.hpp>
#include <kernels/dream/free_bits.hpp>

namespace loom {

/// Sums over the rows of the divergence and of what free bits leave of it.
struct FreeBitsFold {
  FreeBitsConfig config;
  In<float> kl;
  Out<float> loss;

  template <class F>
  struct Value {
    F clipped, whole;
  };
  template <class F>
  HD Value<F> empty() const {
    return {F(0.F), F(0.F)};
  }
  HD int items(int) const { return static_cast<int>(kl.size); }
  template <class F>
  HD void add(Value<F>& v, int, Lane<F> i) const {
    F const x = load(kl, i);
    v.clipped = v.clipped + math::max(x, F(config.free));
    v.whole = v.whole + x;
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    return {a.clipped + b.clipped, a.whole + b.whole};
  }
  HD void finish(int, Value<float> const& v) const {
    float const rows = static_cast<float>(kl.size);
    float const mean = v.whole / rows;
    float const kept = config.of_mean ? math::max(mean, config.free) : v.clipped / rows;
    loss[0] = (config.dynamics + (config.joint ? 0.F : config.representation)) * kept;
    loss[1] = mean;
  }
};

/// Nothing pulls at a divergence below the threshold.
struct FreeBitsWeights {
  FreeBitsConfig config;
  In<float> kl;
  In<float> loss;
  Out<float> representation, dynamics;

  template <class F>
  HD void operator()(Lane<F> i) const {
    F const compared = config.of_mean ? F(loss[1]) : F(load(kl, i));
    F const share = select(compared > F(config.free), F(1.F / static_cast<float>(kl.size)), F(0.F));
    float const to_posterior = config.joint ? config.dynamics : config.representation;
    store(representation, i, share * F(to_posterior));
    store(dynamics, i, share * F(config.dynamics));
  }
};

}  // namespace loom
