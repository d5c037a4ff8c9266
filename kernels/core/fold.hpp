#pragma once
// launch_fold(exec, outputs, body): many items to one value, for every output, on one fixed tree.
//
// 128 lanes an output: lane l takes items l, l + 128, ... in order, then lanes l and l + 64, l and
// l + 32, ... merge. The tree depends on the number of items alone, so every machine, lane width
// and thread count gives the same bits. A CPU leaves out lanes without items. A body has
//   template <class F> struct Value;                       // made of F only
//   template <class F> HD Value<F> empty() const;          // of no items: merging it changes nothing
//   HD int items(int output) const;
//   template <class F> HD void add(Value<F>&, int output, Lane<F> item) const;
//   template <class F> HD void close(Value<F>&) const;     // a lane has seen all of its items
//   template <class F> HD Value<F> merge(Value<F> const&, Value<F> const&) const;
//   HD void finish(int output, Value<float> const&) const;
// and, where the value makes many elements of its output (a softmax from its sums), also
//   HD int elements(int output) const;
//   template <class F> HD void spread(int output, Value<float> const&, Lane<F> element) const;
#include <kernels/core/launch.hpp>
#include <utility>

namespace loom {

inline constexpr int kFoldLanes = 128;

template <class Body>
concept Spreads = requires(Body const& body) {
  body.elements(0);
};

#if defined(__CUDACC__)

template <class Body>
__global__ void __launch_bounds__(kFoldLanes) fold_kernel(Body const body) {
  using Value = typename Body::template Value<float>;
  __shared__ Value lanes[kFoldLanes];
  int const output = static_cast<int>(blockIdx.x);
  int const lane = static_cast<int>(threadIdx.x);
  int const items = body.items(output);
  Value value = body.template empty<float>();
  for (int i = lane; i < items; i += kFoldLanes) body.add(value, output, Lane<float>{i});
  body.close(value);
  lanes[lane] = value;
  for (int half = kFoldLanes / 2; half > 0; half /= 2) {
    __syncthreads();
    if (lane < half) lanes[lane] = body.merge(lanes[lane], lanes[lane + half]);
  }
  if (lane == 0) body.finish(output, lanes[0]);
  if constexpr (Spreads<Body>) {
    __syncthreads();
    for (int i = lane; i < body.elements(output); i += kFoldLanes)
      body.spread(output, lanes[0], Lane<float>{i});
  }
}

template <class Body>
void launch_fold(Gpu exec, int outputs, Body const& body, int /*grain*/ = 0) {
  if (outputs == 0) return;
  enqueue(exec, static_cast<unsigned>(outputs), kFoldLanes, 0, fold_kernel<Body>, body);
}

#else

/// Lanes that a fold of so many items fills, as a power of two, and at least those of the widest pack.
constexpr int fold_lanes(int items) {
  int lanes = 16;
  while (lanes < kFoldLanes && lanes < items) lanes *= 2;
  return lanes;
}

/// The value of one lane of packed values, which are made of packs only.
template <int W, class Packed, class Value>
HD void take_lane(Packed const& from, int lane, Value& to) {
  static_assert(sizeof(Packed) == W * sizeof(Value));
  constexpr int kParts = sizeof(Value) / sizeof(float);
  for (int p = 0; p < kParts; ++p)
    __builtin_memcpy(reinterpret_cast<char*>(&to) + p * sizeof(float),
                     reinterpret_cast<char const*>(&from) + (p * W + lane) * sizeof(float),
                     sizeof(float));
}
template <int W, class Packed, class Value>
HD void put_lane(Packed& to, int lane, Value const& from) {
  constexpr int kParts = sizeof(Value) / sizeof(float);
  for (int p = 0; p < kParts; ++p)
    __builtin_memcpy(reinterpret_cast<char*>(&to) + (p * W + lane) * sizeof(float),
                     reinterpret_cast<char const*>(&from) + p * sizeof(float), sizeof(float));
}

/// Words of a pack, those of lane l from lane l + half.
template <int W, int Half, std::size_t... L>
void rotate(char const* from, char* to, std::index_sequence<L...>) {
  Pack<std::int32_t, W> x;
  __builtin_memcpy(&x.v, from, sizeof(x.v));
  x.v = __builtin_shufflevector(x.v, x.v, static_cast<int>((L + Half) % W)...);
  __builtin_memcpy(to, &x.v, sizeof(x.v));
}

/// Merges the lanes of one pack, l and l + W / 2, then l and l + W / 4, ...: lane 0 ends up with all of them.
template <int W, int Half, class Body, class Packed>
Packed merge_lanes(Body const& body, Packed const& v) {
  if constexpr (Half == 0) {
    return v;
  } else {
    Packed other;
    for (std::size_t part = 0; part < sizeof(Packed); part += W * sizeof(float))
      rotate<W, Half>(reinterpret_cast<char const*>(&v) + part,
                      reinterpret_cast<char*>(&other) + part, std::make_index_sequence<W>{});
    return merge_lanes<W, Half / 2>(body, body.merge(v, other));
  }
}

template <class F, class Body>
void fold_output(Body const& body, int output) {
  using Packed = typename Body::template Value<F>;
  using Value = typename Body::template Value<float>;
  constexpr int W = kWidth<F>;
  Packed lanes[kFoldLanes / W];
  int const items = body.items(output), packs = fold_lanes(items) / W;
  for (int p = 0; p < packs; ++p) lanes[p] = body.template empty<F>();
  int const whole = items / kFoldLanes * kFoldLanes;
  for (int i = 0; i < whole; i += kFoldLanes)
    for (int p = 0; p < packs; ++p) body.add(lanes[p], output, Lane<F>{i + p * W});
  // The last items fill some packs and then some lanes, each the same as it would be in a full round.
  int const packed = items / W * W;
  for (int i = whole; i < packed; i += W) body.add(lanes[(i - whole) / W], output, Lane<F>{i});
  for (int i = packed; i < items; ++i) {
    int const lane = i - whole;
    Value v;
    take_lane<W>(lanes[lane / W], lane % W, v);
    body.add(v, output, Lane<float>{i});
    put_lane<W>(lanes[lane / W], lane % W, v);
  }
  for (int p = 0; p < packs; ++p) body.close(lanes[p]);
  for (int half = packs / 2; half > 0; half /= 2)
    for (int p = 0; p < half; ++p) lanes[p] = body.merge(lanes[p], lanes[p + half]);
  Value whole_value;
  take_lane<W>(merge_lanes<W, W / 2>(body, lanes[0]), 0, whole_value);
  body.finish(output, whole_value);
  if constexpr (Spreads<Body>) {
    int const elements = body.elements(output), in_packs = elements / W * W;
    for (int i = 0; i < in_packs; i += W) body.spread(output, whole_value, Lane<F>{i});
    for (int i = in_packs; i < elements; ++i) body.spread(output, whole_value, Lane<float>{i});
  }
}

/// grain: outputs that one thread takes at least.
template <class Body>
void launch_fold(Cpu exec, int outputs, Body const& body, int grain = 1) {
  int const tasks = std::max(1, std::min(num_threads(exec), outputs / std::max(1, grain)));
  parallel(exec, tasks, [&](int task) {
    int const begin = static_cast<int>(static_cast<std::int64_t>(outputs) * task / tasks);
    int const end = static_cast<int>(static_cast<std::int64_t>(outputs) * (task + 1) / tasks);
    for (int output = begin; output < end; ++output) {
      if (exec.lanes == 1)
        fold_output<float>(body, output);
      else
        fold_output<Wide>(body, output);
    }
  });
}

#endif

}  // namespace loom
