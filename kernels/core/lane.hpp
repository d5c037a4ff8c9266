#pragma once
// Lanes: what a kernel body is written against.
//
// A body is a trivially copyable struct with `template <class F> HD void operator()(Lane<F> i)
// const`. F is float on a GPU thread, Pack<float, W> on CPU lanes, float again for tails, double in
// tests.
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>
#if !defined(__CUDACC__)
#include <kernels/core/pack.hpp>
#endif

namespace loom {

/// The lanes index, index + 1, ... of a kernel; as many as F has.
template <class F>
struct Lane {
  int index;
};

template <class F>
struct LaneTraits;
template <>
struct LaneTraits<float> {
  using Int = std::int32_t;
  using Uint = std::uint32_t;
  using Mask = bool;
  static constexpr int kWidth = 1;
};
template <>
struct LaneTraits<double> : LaneTraits<float> {};

template <class F>
using IntOf = typename LaneTraits<F>::Int;
template <class F>
using UintOf = typename LaneTraits<F>::Uint;
template <class F>
using MaskOf = typename LaneTraits<F>::Mask;
template <class F>
inline constexpr int kWidth = LaneTraits<F>::kWidth;

// ---- one lane ----

HD float select(bool c, float a, float b) { return c ? a : b; }
HD double select(bool c, double a, double b) { return c ? a : b; }
HD std::int32_t select(bool c, std::int32_t a, std::int32_t b) { return c ? a : b; }
HD std::uint32_t select(bool c, std::uint32_t a, std::uint32_t b) { return c ? a : b; }
HD bool any(bool c) { return c; }
HD bool all(bool c) { return c; }
HD std::uint32_t mask_bits(bool c) { return c ? 1U : 0U; }
HD float to_float(std::int32_t a) { return static_cast<float>(a); }
HD std::int32_t to_int(float a) { return static_cast<std::int32_t>(a); }
HD std::int32_t to_int(double a) { return static_cast<std::int32_t>(a); }
HD std::int32_t as_int(float a) { return __builtin_bit_cast(std::int32_t, a); }
HD std::int32_t as_int(std::uint32_t a) { return static_cast<std::int32_t>(a); }
HD std::uint32_t as_uint(std::int32_t a) { return static_cast<std::uint32_t>(a); }
HD float as_float(std::int32_t a) { return __builtin_bit_cast(float, a); }
HD void mul_hi_lo(std::uint32_t a, std::uint32_t b, std::uint32_t& hi, std::uint32_t& lo) {
  std::uint64_t const product = static_cast<std::uint64_t>(a) * b;
  hi = static_cast<std::uint32_t>(product >> 32);
  lo = static_cast<std::uint32_t>(product);
}

/// Two 16-bit numbers in one word times a number, where no product exceeds 16 bits; packs have a
/// faster way.
HD std::uint32_t scale_halves(std::uint32_t pair, std::uint32_t factor) { return pair * factor; }

/// An integer lane value as the F of its kernel: convert<F>(step).
template <class F>
HD F convert(IntOf<F> a) {
  return static_cast<F>(to_float(a));
}

template <class F>
HD IntOf<F> iota(Lane<F> i) {
  return i.index;
}

template <class T, class F>
requires(kWidth<F> == 1) HD T load(T const* p, Lane<F> i) { return p[i.index]; }
template <class T, class F>
requires(kWidth<F> == 1) HD void store(T* p, Lane<F> i, T x) { p[i.index] = x; }
/// Truth values are stored as bytes 0 and 1.
template <class F>
requires(kWidth<F> == 1) HD void store_mask(std::uint8_t* p, Lane<F> i, bool x) {
  p[i.index] = x ? 1 : 0;
}
template <class F>
requires(kWidth<F> == 1) HD bool load_mask(std::uint8_t const* p, Lane<F> i) {
  return p[i.index] != 0;
}
/// Bytes as integers.
template <class F>
requires(kWidth<F> == 1) HD std::int32_t load_byte(std::uint8_t const* p, Lane<F> i) {
  return p[i.index];
}
/// A pixel 0x00RRGGBB as bytes red green blue; a pack stores as many.
HD void store_rgb(std::uint8_t* out, std::uint32_t pixel) {
  out[0] = static_cast<std::uint8_t>(pixel >> 16);
  out[1] = static_cast<std::uint8_t>(pixel >> 8);
  out[2] = static_cast<std::uint8_t>(pixel);
}
/// 64 pixels that lie in a row at p.
template <class F>
requires(kWidth<F> == 1) HD void store_rgb64(std::uint8_t* out, std::uint32_t const* p, Lane<F>) {
  for (int k = 0; k < 64; ++k) store_rgb(out + 3 * k, p[k]);
}
/// One lane's number.
HD std::int32_t element(std::int32_t x, int /*lane*/) { return x; }
template <class T>
HD T gather(T const* p, std::int32_t index) {
  return p[index];
}
template <class T>
HD void scatter(T* p, std::int32_t index, T x) {
  p[index] = x;
}
/// Writes the ids of the true lanes to list[n...]; returns n plus their number.
HD int append(std::int32_t* list, int n, std::int32_t id, bool c) {
  list[n] = id;
  return n + (c ? 1 : 0);
}

// ---- packs ----

#if !defined(__CUDACC__)
template <int W>
struct LaneTraits<Pack<float, W>> {
  using Int = Pack<std::int32_t, W>;
  using Uint = Pack<std::uint32_t, W>;
  using Mask = loom::Mask<W>;
  static constexpr int kWidth = W;
};
using Wide = Pack<float, kLanes>;

template <int W>
HD bool any(Mask<W> c) {
  return mask_bits(c) != 0;
}
template <int W>
HD bool all(Mask<W> c) {
  return mask_bits(c) == (W == 32 ? ~0U : (1U << W) - 1);
}
template <int W>
HD Pack<std::int32_t, W> as_int(Pack<float, W> a) {
  return bit_cast_pack<std::int32_t>(a);
}
template <int W>
HD Pack<std::int32_t, W> as_int(Pack<std::uint32_t, W> a) {
  return bit_cast_pack<std::int32_t>(a);
}
template <int W>
HD Pack<std::uint32_t, W> as_uint(Pack<std::int32_t, W> a) {
  return bit_cast_pack<std::uint32_t>(a);
}
template <int W>
HD Pack<float, W> as_float(Pack<std::int32_t, W> a) {
  return bit_cast_pack<float>(a);
}

template <class T, int W>
HD Pack<T, W> load(T const* p, Lane<Pack<float, W>> i) {
  Pack<T, W> r;
  __builtin_memcpy(&r.v, p + i.index, sizeof(r.v));
  return r;
}
template <class T, int W>
HD void store(T* p, Lane<Pack<float, W>> i, std::type_identity_t<Pack<T, W>> x) {
  __builtin_memcpy(p + i.index, &x.v, sizeof(x.v));
}
template <int W>
HD void store_mask(std::uint8_t* p, Lane<Pack<float, W>> i, Mask<W> x) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  if constexpr (W == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + i.index), _mm_maskz_set1_epi8(x.m, 1));
    return;
  }
#endif
  std::uint32_t const bits = mask_bits(x);
  for (int l = 0; l < W; ++l) p[i.index + l] = static_cast<std::uint8_t>(bits >> l & 1);
}
template <int W>
HD Pack<std::int32_t, W> load_byte(std::uint8_t const* p, Lane<Pack<float, W>> i) {
  Pack<std::int32_t, W> r;
  for (int l = 0; l < W; ++l) r.v[l] = p[i.index + l];
  return r;
}
template <int W>
HD Mask<W> load_mask(std::uint8_t const* p, Lane<Pack<float, W>> i) {
  return load_byte(p, i) != Pack<std::int32_t, W>(0);
}
template <int W>
HD Pack<std::int32_t, W> iota(Lane<Pack<float, W>> i) {
  typename Pack<std::int32_t, W>::Vector v{};
  for (int l = 0; l < W; ++l) v[l] = l;
  return Pack<std::int32_t, W>(v + i.index);
}
template <int W>
HD void store_rgb64(std::uint8_t* out, std::uint32_t const* p, Lane<Pack<float, W>>) {
  store_rgb64(out, p);
}
template <int W>
HD std::int32_t element(Pack<std::int32_t, W> x, int lane) {
  return x[lane];
}
template <class T, int W>
HD Pack<T, W> gather(T const* p, Pack<std::int32_t, W> index) {
  Pack<T, W> r;
  for (int l = 0; l < W; ++l) r.v[l] = p[index.v[l]];
  return r;
}
template <class T, int W>
HD void scatter(T* p, Pack<std::int32_t, W> index, std::type_identity_t<Pack<T, W>> x) {
  for (int l = 0; l < W; ++l) p[index.v[l]] = x.v[l];
}
/// May write W ids beyond list[n]; only the true lanes' count.
template <int W>
HD int append(std::int32_t* list, int n, Pack<std::int32_t, W> id, Mask<W> c) {
#if defined(__AVX512F__)
  if constexpr (W == 16) {
    _mm512_storeu_si512(list + n, _mm512_maskz_compress_epi32(c.m, (__m512i)id.v));
    return n + __builtin_popcount(c.m);
  }
#endif
  for (std::uint32_t bits = mask_bits(c); bits != 0; bits &= bits - 1)
    list[n++] = id[__builtin_ctz(bits)];
  return n;
}
#endif

// ---- the same through views ----

template <class T, class F>
HD auto load(In<T> x, Lane<F> i, std::ptrdiff_t offset = 0) {
  return load(x.data + offset, i);
}
template <class T, class F, class V>
HD void store(Out<T> x, Lane<F> i, V v, std::ptrdiff_t offset = 0) {
  store(x.data + offset, i, v);
}
/// Lanes of one field of instances in tiles; the lanes must not cross a tile (widths divide 64).
template <class T, class F>
HD auto load(Tiles<T> x, int field, Lane<F> i) {
  return load(x.data + x.offset(field, i.index), Lane<F>{0});
}
template <class T, class F, class V>
HD void store(Tiles<T> x, int field, Lane<F> i, V v) {
  store(x.data + x.offset(field, i.index), Lane<F>{0}, v);
}

}  // namespace loom
