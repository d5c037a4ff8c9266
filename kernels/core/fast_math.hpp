#pragma once
// Elementary functions of learner arithmetic: on the GPU the special-function unit, elsewhere
// loom::math.
//
// They promise an accuracy, not bits: on the GPU tanh and sigmoid 2^-11, exp 2^-22 relative.
// Environments and random numbers use loom::math. They also know the handful of values of a block's
// epilogue.
#include <kernels/core/lane.hpp>
#include <kernels/core/math.hpp>

namespace loom {

/// Two adjacent columns of one row: where the GPU's accumulators live.
struct Two {
  float lo, hi;
};
HD Two operator+(Two a, Two b) { return {a.lo + b.lo, a.hi + b.hi}; }
HD Two operator-(Two a, Two b) { return {a.lo - b.lo, a.hi - b.hi}; }
HD Two operator*(Two a, Two b) { return {a.lo * b.lo, a.hi * b.hi}; }
HD Two operator/(Two a, Two b) { return {a.lo / b.lo, a.hi / b.hi}; }
HD Two operator+(Two a, float b) { return {a.lo + b, a.hi + b}; }
HD Two operator-(Two a, float b) { return {a.lo - b, a.hi - b}; }
HD Two operator*(Two a, float b) { return {a.lo * b, a.hi * b}; }

/// f on every number of v; f sees a float, a double or a pack.
template <class F, class V>
HD V each(V v, F const& f) {
  return f(v);
}
template <class F>
HD Two each(Two v, F const& f) {
  return {f(v.lo), f(v.hi)};
}
template <class F, class V>
HD V each(V a, V b, F const& f) {
  return f(a, b);
}
template <class F>
HD Two each(Two a, Two b, F const& f) {
  return {f(a.lo, b.lo), f(a.hi, b.hi)};
}

/// f of several, number by number.
template <class F, class V, class... More>
HD V combine(F const& f, V a, More... more) {
  return f(a, more...);
}
template <class F, class... More>
HD Two combine(F const& f, Two a, More... more) {
  return {f(a.lo, more.lo...), f(a.hi, more.hi...)};
}

namespace fast {

/// a / b for 1e-38 < |b| < 1e38.
template <class F>
HD F divide(F a, F b) {
#if defined(__AVX512F__) && !defined(__CUDACC__)
  // The 16-lane division takes 16 cycles and bound a 64-wide tanh layer: an estimate and a Newton
  // step do not.
  if constexpr (std::is_same_v<F, Pack<float, 16>>) {
    F const r((typename F::Vector)_mm512_rcp14_ps((__m512)b.v));
    F const q = a * r;
    return math::fma(q, math::fma(-b, r, F(1.F)), q);
  }
#endif
  return a / b;
}

/// x between -most and most.
template <class F>
HD F limit(F x, F most) {
#if defined(__AVX512DQ__) && !defined(__CUDACC__)
  if constexpr (std::is_same_v<F, Pack<float, 16>>)  // the smaller magnitude, the sign of x
    return F((typename F::Vector)_mm512_range_ps((__m512)x.v, (__m512)most.v, 0x2));
#endif
  return math::clamp(x, -most, most);
}

/// Within 5e-7 of tanh(x), relatively, on the CPU.
template <class F>
HD F tanh(F x) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<F, float>) {
    float r;
    asm("tanh.approx.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
  }
#endif
  if constexpr (std::is_same_v<F, double>) {
    return math::tanh(x);
  } else {
    // Rational 7/8 minimax, pairs first: 16 operations where loom::math has 19.
    x = limit(x, F(7.95F));
    F const z = x * x, z2 = z * z;
    F const p = math::fma(z2, math::fma(z, F(1.1480045e-5F), F(2.95575033e-3F)),
                          math::fma(z, F(0.129300445F), F(0.999999881F)));
    F q = math::fma(z2, F(2.4758262e-7F), math::fma(z, F(2.39340283e-4F), F(2.38348357e-2F)));
    q = math::fma(z2, q, math::fma(z, F(0.462632656F), F(1.F)));
    return divide(p * x, q);
  }
}

template <class F>
HD F exp(F x) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<F, float>) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x * 1.44269504088896341F));
    return r;
  }
#endif
  return math::exp(x);
}

template <class F>
HD F sigmoid(F x) {
#if defined(__CUDA_ARCH__)
  // One special-function operation, not two.
  if constexpr (std::is_same_v<F, float>) return math::fma(tanh(0.5F * x), 0.5F, 0.5F);
#endif
  return divide(F(1.F), F(1.F) + math::exp(-x));
}

}  // namespace fast
}  // namespace loom
