#pragma once
// A keyed permutation of [0, n), element by element and without memory: a Feistel network over the
// smallest power of two that holds n, walked until the image lies below n again.
#include <kernels/core/random.hpp>
#include <kernels/nn/permutation.hpp>

namespace loom {

/// One permutation of n indices, the same for every lane.
struct PermutationKeys {
  static constexpr int kRounds = 8;
  std::uint32_t round[kRounds];
  int low_bits, high_bits;

  /// epoch: which of the seed's permutations.
  HD PermutationKeys(std::uint64_t seed, std::uint32_t epoch, int n) {
    Random<float> random(seed, 0, epoch, Purpose::shuffle);
    LOOM_UNROLL
    for (int r = 0; r < kRounds; ++r) round[r] = random.bits();
    int bits = 2;  // either half needs a bit
    while (bits < 31 && (1 << bits) < n) ++bits;
    low_bits = bits / 2;
    high_bits = bits - low_bits;
  }
};

/// A hash of both arguments: multiply and fold (the finaliser of MurmurHash3).
template <class U>
HD U permutation_hash(U x, std::uint32_t key) {
  x = (x ^ U(key)) * U(0x9E3779B1U);
  x = (x ^ (x >> 16)) * U(0x85EBCA6BU);
  x = (x ^ (x >> 13)) * U(0xC2B2AE35U);
  return x ^ (x >> 16);
}

/// The image of index i < n.
template <class F>
HD IntOf<F> permuted(PermutationKeys const& keys, int n, IntOf<F> i) {
  using U = UintOf<F>;
  U const low_mask((1U << keys.low_bits) - 1), high_mask((1U << keys.high_bits) - 1);
  IntOf<F> x = i;
  MaskOf<F> outside = x == x;
  // Less than two turns on average, since n fills more than half of the power of two.
  do {
    U low = as_uint(x) & low_mask;
    U high = as_uint(x) >> keys.low_bits;
    LOOM_UNROLL
    for (int r = 0; r < PermutationKeys::kRounds; r += 2) {
      low = low ^ (permutation_hash(high, keys.round[r]) & low_mask);
      high = high ^ (permutation_hash(low, keys.round[r + 1]) & high_mask);
    }
    // A lane that has arrived stays while its neighbours walk on.
    x = select(outside, as_int((high << keys.low_bits) | low), x);
    outside = x >= IntOf<F>(n);
  } while (any(outside));
  return x;
}

struct Permutation {
  std::uint64_t seed;
  In<std::uint32_t> epoch;
  int n;
  Out<std::int32_t> index;
  PlaceGrid grid;

  template <class F>
  HD void operator()(Lane<F> i) const {
    PermutationKeys const keys(seed, epoch[0], n);
    IntOf<F> const x = permuted<F>(keys, n, iota(i));
    if (grid.columns == 0) return store(index, i, x);
    IntOf<F> const row = x / IntOf<F>(grid.columns);
    store(index, i, row * IntOf<F>(grid.stride - grid.columns) + x);
  }
};

}  // namespace loom
