#pragma once
// Lane work with a rare, dear second part: a pack would pay for it whenever one of its lanes needs
// it.
//
// `common(lane)` returns a mask; lanes where it is true go through `rare(ids)`. On the CPU they are
// listed and run in full packs (measured: 1.4 times faster CartPole under random actions than
// masking); a GPU thread takes the branch at once. What `rare` does for an id must depend on
// nothing but that id.
#include <kernels/core/launch.hpp>

namespace loom {

#if defined(__CUDACC__)

template <class Common, class Rare>
struct CompactedBody {
  Common common;
  Rare rare;
  template <class F>
  HD void operator()(Lane<F> i) const {
    if (common(i)) rare.template run<F>(i.index);
  }
};

template <class Common, class Rare>
void launch_compacted(Gpu exec, int n, Common const& common, Rare const& rare, int grain = 0) {
  launch(exec, n, CompactedBody<Common, Rare>{common, rare}, grain);
}

#else

/// Lanes [begin, end), both multiples of 64, in packs of F.
template <class F, class Common, class Rare>
HD void run_compacted(Common const& common, Rare const& rare, int begin, int end) {
  constexpr int kChunk = 1024, kW = kWidth<F>;
  alignas(64) std::int32_t list[kChunk + 16];
  for (int first = begin; first < end; first += kChunk) {
    int const last = std::min(end, first + kChunk);
    int n = 0;
    for (int i = first; i < last; i += kW)
      n = append(list, n, iota(Lane<F>{i}), common(Lane<F>{i}));
    // The last pack is filled up with its own last id: the same work on the same id, twice.
    for (int k = n; k < (n + kW - 1) / kW * kW; ++k) list[k] = list[n - 1];
    for (int k = 0; k < n; k += kW) rare.template run<F>(load(list, Lane<F>{k}));
  }
}

/// Calls f.template operator()<F>() with the pack that exec.lanes asks for: 1, 8, or else the
/// widest.
template <class Function>
void with_width(Cpu exec, Function const& f) {
  if (exec.lanes == 1)
    f.template operator()<float>();
  else if (exec.lanes == 8)
    f.template operator()<Pack<float, 8> >();
  else
    f.template operator()<Wide>();
}

template <class Common, class Rare>
void launch_compacted(Cpu exec, int n, Common const& common, Rare const& rare, int grain = kGrain) {
  for_slices(exec, n, grain, [&](int begin, int end) {
    with_width(exec, [&]<class F>() { run_compacted<F>(common, rare, begin, end); });
  });
}

#endif

}  // namespace loom
