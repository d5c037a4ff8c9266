#pragma once
#include <kernels/core/math.hpp>

namespace loom {

/// One lane; counts below 2^24 are exact as floats, beyond that the rate moves in steps.
struct LinearSchedule {
  float base, horizon;
  std::uint32_t* count;
  float* rate;

  HD void operator()(Lane<float>) const {
    float const done = to_float(as_int(*count));
    *rate = horizon > 0 ? base * math::max(0.F, 1.F - done / horizon) : base;
    *count += 1;
  }
};

struct WarmUp {
  float base, steps;
  std::uint32_t* count;
  float* rate;

  HD void operator()(Lane<float>) const {
    // Long after the last step of it the count need not be exact.
    float const done = to_float(as_int(*count < 0x7fffffffU ? *count : 0x7fffffffU));
    *rate = done < steps ? base * (done / steps) : base;
    *count += 1;
  }
};

struct Advance {
  std::uint32_t* count;
  HD void operator()(Lane<float>) const { *count += 1; }
};

}  // namespace loom
