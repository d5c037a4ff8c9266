#pragma once
// Elementary functions: one text for GPU threads, SIMD lanes and scalars, so the bits agree
// everywhere.
//
// Written with explicit fma, select and bit casts only. Bounds against double, which a test keeps:
// sin, cos 1.5 ulp (|x| <= 100); exp, log 1.1 (normal numbers); log1p 2.5; sigmoid 3; tanh (|x| >
// 1e-36) 5; expm1 and softplus 4. 2 to 4 times faster than libmvec, SLEEF and Highway on 16 lanes,
// and those have no device twin. F = double uses the C library (tests only). Source of the
// polynomials: Cephes (Moshier) single precision; tanh: Eigen's 13/6 rational.
#include <kernels/core/lane.hpp>

namespace loom::math {

inline constexpr float kPi = 3.14159265358979323846F;
inline constexpr float kTwoPi = 6.28318530717958647692F;
inline constexpr float kLog2 = 0.693147180559945309F;
inline constexpr float kHalfLogTwoPi = 0.918938533204672742F;

HD float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
HD float abs(float a) { return __builtin_fabsf(a); }
HD float sqrt(float a) { return __builtin_sqrtf(a); }
HD float floor(float a) { return __builtin_floorf(a); }
HD float rint(float a) { return __builtin_rintf(a); }
HD float min(float a, float b) { return a < b ? a : b; }
HD float max(float a, float b) { return a > b ? a : b; }
HD float copysign(float a, float sign) { return __builtin_copysignf(a, sign); }

HD double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
HD double abs(double a) { return __builtin_fabs(a); }
HD double sqrt(double a) { return __builtin_sqrt(a); }
HD double floor(double a) { return __builtin_floor(a); }
HD double rint(double a) { return __builtin_rint(a); }
HD double min(double a, double b) { return a < b ? a : b; }
HD double max(double a, double b) { return a > b ? a : b; }
HD double copysign(double a, double sign) { return __builtin_copysign(a, sign); }
HD double exp(double a) { return __builtin_exp(a); }
HD double log(double a) { return __builtin_log(a); }
HD double log1p(double a) { return __builtin_log1p(a); }
HD double expm1(double a) { return __builtin_expm1(a); }
HD double tanh(double a) { return __builtin_tanh(a); }
HD void sincos(double a, double& s, double& c) {
  s = __builtin_sin(a);
  c = __builtin_cos(a);
}

#if !defined(__CUDACC__)
template <int W>
HD Pack<float, W> fma(Pack<float, W> a, std::type_identity_t<Pack<float, W>> b,
                      std::type_identity_t<Pack<float, W>> c) {
  return pack::fma(a, b, c);
}
template <int W>
HD Pack<float, W> min(Pack<float, W> a, std::type_identity_t<Pack<float, W>> b) {
  return pack::min(a, b);
}
template <int W>
HD Pack<float, W> max(Pack<float, W> a, std::type_identity_t<Pack<float, W>> b) {
  return pack::max(a, b);
}
template <int W>
HD Pack<float, W> sqrt(Pack<float, W> a) {
  return pack::sqrt(a);
}
template <int W>
HD Pack<float, W> floor(Pack<float, W> a) {
  return pack::floor(a);
}
template <int W>
HD Pack<float, W> rint(Pack<float, W> a) {
  return pack::rint(a);
}
template <int W>
HD Pack<float, W> abs(Pack<float, W> a) {
  return as_float(as_int(a) & 0x7fffffff);
}
template <int W>
HD Pack<float, W> copysign(Pack<float, W> a, Pack<float, W> sign) {
  return as_float((as_int(a) & 0x7fffffff) |
                  (as_int(sign) & static_cast<std::int32_t>(0x80000000U)));
}
#endif

/// low for x < low, high for x > high; low for a NaN.
template <class F>
HD F clamp(F x, F low, F high) {
  return min(max(x, low), high);
}

/// sin and cos for |x| <= 100 (three-constant Cody-Waite reduction by pi/2).
template <class F>
HD void sincos(F x, F& s, F& c) {
  constexpr float kMagic =
      12582912.F;  // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
  F quotient = fma(x, F(0.636619772367581343F), F(kMagic));
  auto const quadrant = as_int(quotient);
  quotient = quotient - F(kMagic);
  F r = fma(quotient, F(-1.57079637050628662109375F), x);
  r = fma(quotient, F(4.37113882867379e-8F), r);
  r = fma(quotient, F(1.71512451e-15F), r);
  F const r2 = r * r;
  F sine = fma(fma(r2, F(-1.9515295891E-4F), F(8.3321608736E-3F)), r2, F(-1.6666654611E-1F));
  sine = fma(sine * r2, r, r);
  F cosine = fma(fma(r2, F(2.443315711809948E-5F), F(-1.388731625493765E-3F)), r2,
                 F(4.166664568298827E-2F));
  cosine = fma(fma(cosine, r2, F(-0.5F)), r2, F(1.F));
  auto const odd = (quadrant & 1) != 0;
  s = as_float(as_int(select(odd, cosine, sine)) ^ ((quadrant & 2) << 30));
  c = as_float(as_int(select(odd, sine, cosine)) ^ (((quadrant + 1) & 2) << 30));
}
template <class F>
HD F sin(F x) {
  F s, c;
  sincos(x, s, c);
  return s;
}
template <class F>
HD F cos(F x) {
  F s, c;
  sincos(x, s, c);
  return c;
}

/// e^x; saturates below -87.3 and above 88.3.
template <class F>
HD F exp(F x) {
  x = clamp(x, F(-87.3F), F(88.3F));
  constexpr float kMagic = 12582912.F;
  F n = fma(x, F(1.44269504088896341F), F(kMagic));
  auto const exponent = as_int(n) << 23;
  n = n - F(kMagic);
  F r = fma(n, F(-0.693145751953125F), x);
  r = fma(n, F(-1.42860677e-6F), r);
  F p = fma(r, F(1.9875691500E-4F), F(1.3981999507E-3F));
  p = fma(p, r, F(8.3334519073E-3F));
  p = fma(p, r, F(4.1665795894E-2F));
  p = fma(p, r, F(1.6666665459E-1F));
  p = fma(p, r, F(5.0000001201E-1F));
  p = fma(p, r * r, r) + F(1.F);
  return as_float(as_int(p) + exponent);
}

/// Natural logarithm of a positive normal number.
template <class F>
HD F log(F x) {
  auto const b = as_int(x);
  F m = as_float((b & 0x007fffff) | 0x3f000000);  // in [0.5, 1)
  F e = convert<F>((b >> 23) - 126);
  auto const small = m < F(0.70710678118654752440F);
  e = select(small, e - F(1.F), e);
  m = select(small, m + m, m) - F(1.F);
  F const z = m * m;
  F p = fma(m, F(7.0376836292E-2F), F(-1.1514610310E-1F));
  p = fma(p, m, F(1.1676998740E-1F));
  p = fma(p, m, F(-1.2420140846E-1F));
  p = fma(p, m, F(1.4249322787E-1F));
  p = fma(p, m, F(-1.6668057665E-1F));
  p = fma(p, m, F(2.0000714765E-1F));
  p = fma(p, m, F(-2.4999993993E-1F));
  p = fma(p, m, F(3.3333331174E-1F));
  F y = fma(e, F(-2.12194440e-4F), p * m * z);
  y = m + fma(z, F(-0.5F), y);
  return fma(e, F(0.693359375F), y);
}

/// ln(1 + x) for x > -1, accurate near 0 (Kahan's correction of the rounded sum).
template <class F>
HD F log1p(F x) {
  F const u = F(1.F) + x;
  F const d = u - F(1.F);
  auto const tiny = d == F(0.F);
  return select(tiny, x, log(u) * (x / select(tiny, F(1.F), d)));
}

/// e^x - 1, accurate near 0.
template <class F>
HD F expm1(F x) {
  F const u = exp(x);
  F const d = u - F(1.F);
  auto const tiny = d == F(0.F);
  auto const gone = d == F(-1.F);
  auto const plain = abs(x) > F(1.F);
  F const safe = select(tiny | gone | plain, F(2.F), u);
  return select(tiny, x, select(gone | plain, d, d * (x / log(safe))));
}

/// tanh(x) = numerator / denominator: rational 13/6 minimax, exactly odd, |tanh| < 1
/// everywhere and constant from |x| = 7.9.
template <class F>
HD void tanh_ratio(F x, F& numerator, F& denominator) {
  x = clamp(x, F(-7.90531110763549805F), F(7.90531110763549805F));
  F const z = x * x, z2 = z * z;
  // Pairs first: half the latency of Horner's rule, which bound the epilogue of a 64-wide layer.
  F p = fma(z2, F(-2.76076847742355e-16F),
            fma(z, F(2.00018790482477e-13F), F(-8.60467152213735e-11F)));
  p = fma(p, z2, fma(z, F(5.12229709037114e-08F), F(1.48572235717979e-05F)));
  p = fma(p, z2, fma(z, F(6.37261928935756e-04F), F(4.89352455891786e-03F)));
  F const q = fma(z, F(1.19825839466702e-06F), F(1.18534705686654e-04F));
  denominator = fma(q, z2, fma(z, F(2.26843463243900e-03F), F(4.89352518554385e-03F)));
  numerator = p * x;
}
template <class F>
HD F tanh(F x) {
  F numerator, denominator;
  tanh_ratio(x, numerator, denominator);
  return numerator / denominator;
}

template <class F>
HD F sigmoid(F x) {
  return F(1.F) / (F(1.F) + exp(-x));
}
/// ln(1 + e^x).
template <class F>
HD F softplus(F x) {
  return max(x, F(0.F)) + log1p(exp(-abs(x)));
}
/// x - 2 pi round(x / (2 pi)): the angle in [-pi, pi], for |x| <= 1000.
template <class F>
HD F wrap_angle(F x) {
  F const turns = rint(x * F(0.15915494309189535F));
  F const r = fma(turns, F(-6.28318548202514648F), x);
  return fma(turns, F(1.7484556e-7F), r);
}

}  // namespace loom::math
