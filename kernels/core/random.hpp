#pragma once
// Counter-based random numbers: a draw is a function of (seed, stream, tick, purpose, position), so
// it does not depend on device, lane width, thread count or batch size, and no state is stored.
// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", Philox4x32-10.
#include <kernels/core/math.hpp>

namespace loom {

/// What a draw is for: independent streams of one instance at one time.
enum class Purpose : std::uint32_t {
  reset = 1,
  parameters = 2,
  step = 3,
  action = 4,
  shuffle = 5,
  weights = 6,
  disturbances = 7,
  action_noise = 8,
  observation_noise = 9,
  first_observation_noise = 10,
  latent = 11
};

template <class U>
struct Counter {
  U x, y, z, w;
};

/// Philox4x32-10 of a 128-bit counter under a 64-bit key.
template <class U>
HD Counter<U> philox(Counter<U> c, std::uint64_t key) {
  auto low = static_cast<std::uint32_t>(key);
  auto high = static_cast<std::uint32_t>(key >> 32);
  LOOM_UNROLL
  for (int round = 0; round < 10; ++round) {
    U h0, l0, h1, l1;
    mul_hi_lo(c.x, 0xD2511F53U, h0, l0);
    mul_hi_lo(c.z, 0xCD9E8D57U, h1, l1);
    c = {h1 ^ c.y ^ U(low), l1, h0 ^ c.w ^ U(high), l0};
    low += 0x9E3779B9U;
    high += 0xBB67AE85U;
  }
  return c;
}

/// 24 random bits as a number in [0, 1).
template <class F>
HD F unit_interval(UintOf<F> bits) {
  return convert<F>(as_int(bits >> 8)) * F(1.F / 16777216.F);
}

/// A standard normal number of two uniform ones in [0, 1): Box-Muller.
template <class F>
HD F normal_of(F u, F v) {
  F s, c;
  math::sincos(v * F(math::kTwoPi), s, c);
  return math::sqrt(F(-2.F) * math::log(F(1.F) - u)) * c;  // log of zero is excluded
}

/// A short sequence of draws. Word k is word k % 4 of the block (stream, tick, purpose, k / 4).
template <class F>
class Random {
 public:
  /// stream: the instance's stream (its global id unless it was forked); tick: step or episode
  /// number.
  HD Random(std::uint64_t seed, UintOf<F> stream, UintOf<F> tick, Purpose purpose)
      : seed_(seed), stream_(stream), tick_(tick), purpose_(static_cast<std::uint32_t>(purpose)) {}

  HD UintOf<F> bits() {
    if (next_ % 4 == 0)
      block_ = philox<UintOf<F>>(
          {stream_, tick_, UintOf<F>(purpose_), UintOf<F>(static_cast<std::uint32_t>(next_ / 4))},
          seed_);
    // A switch, not an array: an indexed array would live in a GPU thread's local memory.
    switch (next_++ % 4) {
      case 0:
        return block_.x;
      case 1:
        return block_.y;
      case 2:
        return block_.z;
      default:
        return block_.w;
    }
  }
  /// Uniform in [0, 1).
  HD F uniform() { return unit_interval<F>(bits()); }
  /// Uniform in [low, high).
  HD F uniform(F low, F high) { return math::fma(uniform(), high - low, low); }
  /// Standard normal; takes two words.
  HD F normal() {
    F const u = uniform();
    return normal_of(u, uniform());
  }

 private:
  std::uint64_t seed_;
  UintOf<F> stream_, tick_;
  std::uint32_t purpose_;
  int next_ = 0;
  Counter<UintOf<F>> block_{};
};

}  // namespace loom
