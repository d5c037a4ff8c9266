#pragma once
// Pack<T, W>: W lanes of a SIMD register. Host only; nvcc's front end never sees it.
//
// GCC vector extensions carry the arithmetic; intrinsics stand only where the extension is slow or
// has no word for it (masks, fma, min, sqrt, rounding, the 32x32->64 product), each with a generic
// fallback. Measured against auto-vectorisation and std::experimental::simd: 1.5 and 4.7 times
// faster on Acrobot.
#include <cstdint>
#include <type_traits>
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#define LOOM_INLINE inline __attribute__((always_inline))

namespace loom {

/// g++ 12 degrades vector_size with a dependent size to the scalar unless it is wrapped.
template <class T, int W>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * W)));
};

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#else
inline constexpr int kLanes = 8;
#endif

/// One truth value a lane; all bits of a lane agree.
template <int W>
struct Mask {
  typename VectorOf<std::int32_t, W>::type m;
  friend LOOM_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend LOOM_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend LOOM_INLINE Mask operator!(Mask a) { return {~a.m}; }
};

#if defined(__AVX512F__)
template <>
struct Mask<16> {
  __mmask16 m;
  friend LOOM_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
  friend LOOM_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
  friend LOOM_INLINE Mask operator!(Mask a) { return {static_cast<__mmask16>(~a.m)}; }
};
inline constexpr bool kMaskRegisters = true;
#else
inline constexpr bool kMaskRegisters = false;
#endif

template <class T, int W>
struct Pack {
  using Vector = typename VectorOf<T, W>::type;
  Vector v;

  Pack() = default;
  LOOM_INLINE Pack(Vector x) : v(x) {}
  // Subtracting zero keeps -0 and folds into a broadcast; adding would not.
  LOOM_INLINE Pack(T x) : v(x - Vector{}) {}
  LOOM_INLINE T operator[](int i) const { return v[i]; }

#define LOOM_OPERATOR(op) \
  friend LOOM_INLINE Pack operator op(Pack a, Pack b) { return Pack(a.v op b.v); }
  LOOM_OPERATOR(+)
  LOOM_OPERATOR(-)
  LOOM_OPERATOR(*)
  LOOM_OPERATOR(/)
  LOOM_OPERATOR(&)
  LOOM_OPERATOR(|)
  LOOM_OPERATOR(^)
#undef LOOM_OPERATOR
  friend LOOM_INLINE Pack operator-(Pack a) { return Pack(-a.v); }
  friend LOOM_INLINE Pack operator<<(Pack a, int n) { return Pack(a.v << n); }
  friend LOOM_INLINE Pack operator>>(Pack a, int n) { return Pack(a.v >> n); }

#if defined(__AVX512F__)
#define LOOM_COMPARE(op, float_code, int_code)                              \
  friend LOOM_INLINE Mask<W> operator op(Pack a, Pack b) {                  \
    if constexpr (W != 16)                                                  \
      return {a.v op b.v};                                                  \
    else if constexpr (std::is_same_v<T, float>)                            \
      return {_mm512_cmp_ps_mask((__m512)a.v, (__m512)b.v, float_code)};    \
    else if constexpr (std::is_signed_v<T>)                                 \
      return {_mm512_cmp_epi32_mask((__m512i)a.v, (__m512i)b.v, int_code)}; \
    else                                                                    \
      return {_mm512_cmp_epu32_mask((__m512i)a.v, (__m512i)b.v, int_code)}; \
  }
#else
#define LOOM_COMPARE(op, float_code, int_code) \
  friend LOOM_INLINE Mask<W> operator op(Pack a, Pack b) { return {a.v op b.v}; }
#endif
  LOOM_COMPARE(<, _CMP_LT_OQ, _MM_CMPINT_LT)
  LOOM_COMPARE(<=, _CMP_LE_OQ, _MM_CMPINT_LE)
  LOOM_COMPARE(>, _CMP_GT_OQ, _MM_CMPINT_NLE)
  LOOM_COMPARE(>=, _CMP_GE_OQ, _MM_CMPINT_NLT)
  LOOM_COMPARE(==, _CMP_EQ_OQ, _MM_CMPINT_EQ)
  LOOM_COMPARE(!=, _CMP_NEQ_UQ, _MM_CMPINT_NE)
#undef LOOM_COMPARE
};

template <class T, int W>
LOOM_INLINE Pack<T, W> select(Mask<W> c, Pack<T, W> a, std::type_identity_t<Pack<T, W>> b) {
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    return Pack<T, W>(
        (typename Pack<T, W>::Vector)_mm512_mask_blend_epi32(c.m, (__m512i)b.v, (__m512i)a.v));
  } else
#endif
    return Pack<T, W>(c.m ? a.v : b.v);
}

/// Bit i is lane i's truth value.
template <int W>
LOOM_INLINE std::uint32_t mask_bits(Mask<W> c) {
#if defined(__AVX512F__)
  if constexpr (W == 16) return c.m;
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)c.m));
#endif
  std::uint32_t r = 0;
  if constexpr (W != 16 || !kMaskRegisters)
    for (int i = 0; i < W; ++i) r |= (c.m[i] != 0 ? 1U : 0U) << i;
  return r;
}

template <class To, class From, int W>
LOOM_INLINE Pack<To, W> bit_cast_pack(Pack<From, W> a) {
  return Pack<To, W>((typename Pack<To, W>::Vector)a.v);
}

template <int W>
LOOM_INLINE Pack<float, W> to_float(Pack<std::int32_t, W> a) {
  return Pack<float, W>(__builtin_convertvector(a.v, typename Pack<float, W>::Vector));
}
/// Truncates; the caller keeps |a| < 2^31, outside of which machines disagree.
template <int W>
LOOM_INLINE Pack<std::int32_t, W> to_int(Pack<float, W> a) {
  return Pack<std::int32_t, W>(
      __builtin_convertvector(a.v, typename Pack<std::int32_t, W>::Vector));
}

// One intrinsic a width, else lane by lane through the scalar builtin.
#if defined(__AVX512F__)
#define LOOM_WIDE_16(result, call) \
  if constexpr (W == 16) return result(call);
#else
#define LOOM_WIDE_16(result, call)
#endif
#if defined(__AVX2__) && defined(__FMA__)
#define LOOM_WIDE_8(result, call) \
  if constexpr (W == 8) return result(call);
#else
#define LOOM_WIDE_8(result, call)
#endif

#define LOOM_UNARY(name, wide, half, scalar)           \
  template <int W>                                     \
  LOOM_INLINE Pack<float, W> name(Pack<float, W> a) {  \
    using P = Pack<float, W>;                          \
    using V = typename P::Vector;                      \
    LOOM_WIDE_16(P, (V)wide)                           \
    LOOM_WIDE_8(P, (V)half)                            \
    V r{};                                             \
    for (int i = 0; i < W; ++i) r[i] = scalar(a.v[i]); \
    return P(r);                                       \
  }
namespace pack {
LOOM_UNARY(sqrt, _mm512_sqrt_ps((__m512)a.v), _mm256_sqrt_ps((__m256)a.v), __builtin_sqrtf)
LOOM_UNARY(floor, _mm512_roundscale_ps((__m512)a.v, 0x09), _mm256_round_ps((__m256)a.v, 0x09),
           __builtin_floorf)
LOOM_UNARY(rint, _mm512_roundscale_ps((__m512)a.v, 0x08), _mm256_round_ps((__m256)a.v, 0x08),
           __builtin_rintf)

template <int W>
LOOM_INLINE Pack<float, W> fma(Pack<float, W> a, Pack<float, W> b, Pack<float, W> c) {
  using P = Pack<float, W>;
  using V [[maybe_unused]] = typename P::Vector;
  LOOM_WIDE_16(P, (V)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v))
  LOOM_WIDE_8(P, (V)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v))
  V r{};
  for (int i = 0; i < W; ++i) r[i] = __builtin_fmaf(a.v[i], b.v[i], c.v[i]);
  return P(r);
}
/// a < b ? a : b, so b for a NaN: the same as select, setp+selp and minps.
template <int W>
LOOM_INLINE Pack<float, W> min(Pack<float, W> a, Pack<float, W> b) {
  using P = Pack<float, W>;
  using V [[maybe_unused]] = typename P::Vector;
  LOOM_WIDE_16(P, (V)_mm512_min_ps((__m512)a.v, (__m512)b.v))
  LOOM_WIDE_8(P, (V)_mm256_min_ps((__m256)a.v, (__m256)b.v))
  return P(a.v < b.v ? a.v : b.v);
}
template <int W>
LOOM_INLINE Pack<float, W> max(Pack<float, W> a, Pack<float, W> b) {
  using P = Pack<float, W>;
  using V [[maybe_unused]] = typename P::Vector;
  LOOM_WIDE_16(P, (V)_mm512_max_ps((__m512)a.v, (__m512)b.v))
  LOOM_WIDE_8(P, (V)_mm256_max_ps((__m256)a.v, (__m256)b.v))
  return P(a.v > b.v ? a.v : b.v);
}
}  // namespace pack
#undef LOOM_UNARY
#undef LOOM_WIDE_16
#undef LOOM_WIDE_8

/// High and low words of a * b. mul_epu32 on even and odd lanes: g++ 12 makes a slow vpmullq of the
/// plain form.
template <int W>
LOOM_INLINE void mul_hi_lo(Pack<std::uint32_t, W> a, std::uint32_t b, Pack<std::uint32_t, W>& hi,
                           Pack<std::uint32_t, W>& lo) {
  using V [[maybe_unused]] = typename Pack<std::uint32_t, W>::Vector;
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    __m512i const factor = _mm512_set1_epi32(static_cast<int>(b));
    __m512i const even = _mm512_mul_epu32((__m512i)a.v, factor);
    __m512i const odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)a.v, 32), factor);
    hi.v = (V)_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
    lo.v = (V)_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
    return;
  }
#endif
#if defined(__AVX2__)
  if constexpr (W == 8) {
    __m256i const factor = _mm256_set1_epi32(static_cast<int>(b));
    __m256i const even = _mm256_mul_epu32((__m256i)a.v, factor);
    __m256i const odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a.v, 32), factor);
    hi.v = (V)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    lo.v = (V)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    return;
  }
#endif
  for (int i = 0; i < W; ++i) {
    std::uint64_t const product = static_cast<std::uint64_t>(a.v[i]) * b;
    hi.v[i] = static_cast<std::uint32_t>(product >> 32);
    lo.v[i] = static_cast<std::uint32_t>(product);
  }
}

/// Lanes that hold two 16-bit numbers times 16-bit numbers, where no product exceeds 16 bits.
template <int W>
LOOM_INLINE Pack<std::uint32_t, W> scale_halves(Pack<std::uint32_t, W> pair,
                                                Pack<std::uint32_t, W> factor) {
#if defined(__AVX512BW__)
  // Half the latency of the 32-bit product, which was a fifth of rendering.
  if constexpr (W == 16) {
    __m512i const f = (__m512i)factor.v;
    return typename Pack<std::uint32_t, W>::Vector(
        _mm512_mullo_epi16((__m512i)pair.v, _mm512_or_si512(f, _mm512_slli_epi32(f, 16))));
  }
#endif
  return pair * factor;
}

/// Bytes 2, 1, 0 of every lane, 3 * W of them: pixels 0x00RRGGBB as red green blue.
template <int W>
LOOM_INLINE void store_rgb(std::uint8_t* out, Pack<std::uint32_t, W> pixels) {
#if defined(__AVX512VBMI__) && defined(__AVX512BW__)
  if constexpr (W == 16) {
    // A third of the time of the loop below, which was half of rendering.
    alignas(64) static constexpr std::uint8_t kOrder[64] = {
        2,  1,  0,  6,  5,  4,  10, 9,  8,  14, 13, 12, 18, 17, 16, 22,
        21, 20, 26, 25, 24, 30, 29, 28, 34, 33, 32, 38, 37, 36, 42, 41,
        40, 46, 45, 44, 50, 49, 48, 54, 53, 52, 58, 57, 56, 62, 61, 60};
    __m512i const bytes = _mm512_permutexvar_epi8(_mm512_load_si512(kOrder), (__m512i)pixels.v);
    _mm512_mask_storeu_epi8(out, 0xFFFFFFFFFFFFULL, bytes);
    return;
  }
#endif
  // Four bytes a store, the fourth overwritten by the next lane.
  for (int i = 0; i < W; ++i) {
    std::uint32_t const rgb = __builtin_bswap32(pixels.v[i] << 8);
    __builtin_memcpy(out + 3 * i, &rgb, i + 1 < W ? 4 : 3);
  }
}

/// The same of 64 pixels in a row at p.
LOOM_INLINE void store_rgb64(std::uint8_t* out, std::uint32_t const* p) {
#if defined(__AVX512VBMI__) && defined(__AVX512BW__)
  // Three whole lines where four stores of 48 bytes would cross most of theirs.
  alignas(64) static constexpr auto kOrder = [] {
    struct {
      std::uint8_t byte[3][64];
    } order{};
    for (int line = 0; line < 3; ++line)
      for (int b = 0; b < 64; ++b) {
        int const k = 64 * line + b, pixel = k / 3 - 16 * line;
        order.byte[line][b] = static_cast<std::uint8_t>(4 * pixel + 2 - k % 3);
      }
    return order;
  }();
  __m512i in[4];
  for (int k = 0; k < 4; ++k) in[k] = _mm512_loadu_si512(p + 16 * k);
  for (int k = 0; k < 3; ++k)
    _mm512_storeu_si512(out + 64 * k, _mm512_permutex2var_epi8(
                                          in[k], _mm512_load_si512(kOrder.byte[k]), in[k + 1]));
#else
  for (int k = 0; k < 64; k += kLanes) {
    Pack<std::uint32_t, kLanes> pixels;
    __builtin_memcpy(&pixels.v, p + k, sizeof(pixels.v));
    store_rgb(out + 3 * k, pixels);
  }
#endif
}

}  // namespace loom
