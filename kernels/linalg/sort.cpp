#include <algorithm>
#include <array>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/checks.hpp>
#include <kernels/linalg/sort.hpp>
#include <utility>

namespace loom {
namespace {

constexpr int kDigitBits = 8;  // 256 open streams of writes: more miss the L1 and the TLB
constexpr int kDigits = 1 << kDigitBits;
constexpr int kLeastSlice = 1 << 15;

struct Pairs {
  std::uint32_t* keys;
  std::int32_t* values;
};
using Histogram = std::array<std::uint32_t, kDigits>;

int slices_of(Cpu exec, int n) { return std::max(1, std::min(num_threads(exec), n / kLeastSlice)); }

std::size_t padded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// One stable pass: slices count their digits, then write to where all smaller digits and earlier
/// slices end.
void sort_by_digit(Cpu exec, int slices, std::size_t n, Pairs from, Pairs to, Histogram* histograms,
                   int shift, std::uint32_t mask) {
  auto const begin_of = [&](int s) {
    return n * static_cast<std::size_t>(s) / static_cast<std::size_t>(slices);
  };
  auto const digit_of = [&](std::uint32_t key) { return key >> shift & mask; };
  parallel(exec, slices, [&](int s) {
    Histogram& counts = histograms[s];
    counts.fill(0);
    for (std::size_t i = begin_of(s); i < begin_of(s + 1); ++i) ++counts[digit_of(from.keys[i])];
  });
  std::uint32_t start = 0;
  for (std::uint32_t digit = 0; digit < kDigits; ++digit)
    for (int s = 0; s < slices; ++s) start += std::exchange(histograms[s][digit], start);
  parallel(exec, slices, [&](int s) {
    Histogram& next = histograms[s];
    for (std::size_t i = begin_of(s); i < begin_of(s + 1); ++i) {
      std::uint32_t const at = next[digit_of(from.keys[i])]++;
      to.keys[at] = from.keys[i];
      to.values[at] = from.values[i];
    }
  });
}

}  // namespace

std::size_t sort_workspace(Cpu exec, int n) {
  return 2 * padded(static_cast<std::size_t>(n) * 4) +
         static_cast<std::size_t>(slices_of(exec, n)) * sizeof(Histogram);
}

void sort_pairs(Cpu exec, In<std::uint32_t> keys, In<std::int32_t> values,
                Out<std::uint32_t> sorted_keys, Out<std::int32_t> sorted_values,
                Out<std::uint8_t> workspace, int bits) {
  checks::count("sort_pairs", keys.size);
  checks::same("sort_pairs", keys.size, "values", values.size);
  checks::same("sort_pairs", keys.size, "sorted_keys", sorted_keys.size);
  checks::same("sort_pairs", keys.size, "sorted_values", sorted_values.size);
  require(bits >= 1 && bits <= 32, "sort_pairs: ", bits, " bits (needs 1 to 32)");
  int const n = static_cast<int>(keys.size);
  checks::workspace("sort_pairs", workspace, sort_workspace(exec, n));
  if (n == 0) return;
  std::size_t const array = padded(keys.size * 4);
  Pairs const spare{reinterpret_cast<std::uint32_t*>(workspace.data),
                    reinterpret_cast<std::int32_t*>(workspace.data + array)};
  auto* const histograms = reinterpret_cast<Histogram*>(workspace.data + 2 * array);
  Pairs const sorted{sorted_keys.data, sorted_values.data};
  int const slices = slices_of(exec, n);
  int const passes = (bits + kDigitBits - 1) / kDigitBits;
  // Alternate between the spare arrays and the output so that the last pass writes the output.
  Pairs from{const_cast<std::uint32_t*>(keys.data),
             const_cast<std::int32_t*>(values.data)};  // read only
  for (int pass = 0; pass < passes; ++pass) {
    int const shift = pass * kDigitBits;
    std::uint32_t const mask = (1U << std::min(kDigitBits, bits - shift)) - 1;
    Pairs const to = (passes - pass) % 2 == 1 ? sorted : spare;
    sort_by_digit(exec, slices, keys.size, from, to, histograms, shift, mask);
    from = to;
  }
}

}  // namespace loom
