#pragma once
// Reparameterised policies on lanes: one lane a row; F may be double.
#include <kernels/core/math.hpp>
#include <kernels/dream/actor_rows.hpp>
#include <kernels/dream/tanh_actor.hpp>

namespace loom {

/// One action before it is squashed, and the slopes of its parts.
template <class F>
struct TanhNormal {
  F mean, deviation, dmean, ddeviation;

  /// shift: softplus^-1 of the initial deviation.
  HD TanhNormal(TanhActor const& a, float shift, F m, F s) {
    F const squashed = math::tanh(m * F(1.F / a.bound));
    mean = F(a.bound) * squashed;
    dmean = F(1.F) - squashed * squashed;
    F const x = s + F(shift);
    deviation = math::softplus(x) + F(a.least);
    ddeviation = math::sigmoid(x);
  }
};

/// Of one action, as DrawActions wants it.
struct TanhPolicy {
  TanhActor actor;
  float shift;

  template <class F>
  HD F mode(F m, F s) const {
    return math::tanh(TanhNormal<F>(actor, shift, m, s).mean);
  }
  template <class F>
  HD F draw(Random<F>& random, F m, F s) const {
    TanhNormal<F> const p(actor, shift, m, s);
    F const x = math::tanh(math::fma(p.deviation, random.normal(), p.mean));
    if (!(actor.noise > 0)) return x;
    return math::clamp(math::fma(F(actor.noise), random.normal(), x), F(-1.F), F(1.F));
  }
};

struct TanhActorBackward {
  TanhActor actor;
  float shift;
  InRows<float> raw;
  RowDraws draws;
  InRows<float> daction;
  OutRows<float> draw;

  template <class F>
  HD void operator()(Lane<F> i) const {
    draw_again(i, raw, draws, daction, draw, [&](Random<F>& random, F m, F s, F slope) {
      TanhNormal<F> const p(actor, shift, m, s);
      F const noise = random.normal();
      F const x = math::tanh(math::fma(p.deviation, noise, p.mean));
      F const inner = slope * (F(1.F) - x * x);
      return ActionSlopes<F>{inner * p.dmean, inner * noise * p.ddeviation};
    });
  }
};

}  // namespace loom
