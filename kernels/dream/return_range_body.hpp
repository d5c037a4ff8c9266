#pragma once
// Percentiles of sorted keys, and their running range.
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>
#include <kernels/dream/return_range.hpp>

namespace loom {

/// Unsigned integers in the order of the floats, and back.
template <class U>
HD U sortable(U bits) {
  return bits ^ select(as_int(bits) < 0, U(0xFFFFFFFFU), U(0x80000000U));
}
HD float from_sortable(std::uint32_t key) {
  return as_float(as_int(key ^ (as_int(key) < 0 ? 0x80000000U : 0xFFFFFFFFU)));
}

struct SortableKeys {
  In<float> x;
  Out<std::uint32_t> keys;
  Out<std::int32_t> places;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(keys.data, i, sortable(as_uint(as_int(load(x, i)))));
    store(places.data, i, iota(i));
  }
};

struct AverageRange {
  ReturnRangeConfig config;
  In<std::uint32_t> sorted;
  Out<float> state;

  HD void operator()(Lane<float>) const {
    float const low = percentile(config.low), high = percentile(config.high);
    state[0] = math::fma(config.rate, (high - low) - state[0], state[0]);
    state[1] = low;
    state[2] = high;
  }

 private:
  HD float percentile(float p) const {
    float const last = static_cast<float>(sorted.size - 1);
    float const at = p * last;
    auto const below = static_cast<std::size_t>(at);
    std::size_t const above = below + 1 < sorted.size ? below + 1 : below;
    float const a = from_sortable(sorted[below]), b = from_sortable(sorted[above]);
    return math::fma(at - static_cast<float>(below), b - a, a);
  }
};

/// y = scale x / max(1, range).
struct ByReturnRange {
  float scale;
  In<float> range, x;
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    float const divisor = range[0] > 1.F ? range[0] : 1.F;
    store(y, i, F(scale) * load(x, i) / F(divisor));
  }
};

}  // namespace loom
