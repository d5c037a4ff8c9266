#pragma once
// Lane kernels over the rows of row-major matrices: one lane a row.
#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>

namespace loom {

/// A lane's row of a row-major matrix: reader(k) is its column k.
template <class F>
struct RowReader {
  float const* data;
  IntOf<F> offset;

  HD RowReader(InRows<float> x, Lane<F> i) : data(x.data), offset(iota(i) * IntOf<F>(x.stride)) {}
  HD F operator()(int k) const { return gather(data + k, offset); }
};

/// Writes column k of a lane's row.
template <class F>
struct RowWriter {
  float* data;
  int index, stride;

  HD RowWriter(OutRows<float> x, Lane<F> i) : data(x.data), index(i.index), stride(x.stride) {}
  HD void operator()(int k, F v) const {
    if constexpr (kWidth<F> == 1) {
      data[static_cast<std::ptrdiff_t>(index) * stride + k] = static_cast<float>(v);
    } else {
      for (int l = 0; l < kWidth<F>; ++l)
        data[static_cast<std::ptrdiff_t>(index + l) * stride + k] = v[l];
    }
  }
};

/// Where the random numbers of a batch come from. Row r draws from (seed, stream[r], tick, action),
/// so its numbers depend neither on its place in the batch nor on the batch's size.
struct RowDraws {
  std::uint64_t seed = 0;
  In<std::uint32_t> stream;  ///< one a row: the global instance id
  In<std::uint32_t> tick;  ///< one for all rows, or one a row; device memory, so that graphs replay

  template <class F>
  HD Random<F> random(Lane<F> i) const {
    UintOf<F> const t = tick.size == 1 ? UintOf<F>(tick[0]) : load(tick, i);
    return Random<F>(seed, load(stream, i), t, Purpose::action);
  }

  /// Block k (words 4k to 4k + 3) of a row's numbers for its latents, where lanes lie along the row.
  template <class U>
  HD Counter<U> latent_block(int row, U k) const {
    auto const at = static_cast<std::size_t>(row);
    return latent_block(U(stream[at]), U(tick[tick.size == 1 ? 0 : at]), k);
  }
  /// Of the rows of these streams.
  template <class U>
  HD Counter<U> latent_block(U streams, U ticks, U k) const {
    return philox<U>({streams, ticks, U(static_cast<std::uint32_t>(Purpose::latent)), k}, seed);
  }
};

inline void check_size(char const* who, char const* what, std::size_t size, std::int64_t needed) {
  require(static_cast<std::int64_t>(size) == needed, who, ": ", what, " has ", size,
          " elements (needs ", needed, ")");
}

/// Throws ShapeError unless the lane's offsets into `x` fit 32 bits.
inline void check_extent(char const* who, InRows<float> x) {
  require(static_cast<std::int64_t>(x.rows) * x.stride < (std::int64_t{1} << 31), who, ": ", x.rows,
          " rows of stride ", x.stride, " (needs fewer than 2^31 elements)");
}

/// Throws ShapeError unless `y` has the shape of `x`.
inline void check_rows(char const* who, InRows<float> x, InRows<float> y) {
  require(x.rows == y.rows && x.cols == y.cols, who, ": shapes [", x.rows, "][", x.cols, "] and [",
          y.rows, "][", y.cols, "] (need the same)");
  check_extent(who, x);
  check_extent(who, y);
}

/// Throws ShapeError unless `draws` serves that many rows.
inline void check_draws(char const* who, RowDraws const& draws, int rows) {
  auto const n = static_cast<std::size_t>(rows);
  require(draws.stream.size == n, who, ": ", draws.stream.size, " streams for ", n, " rows");
  require(draws.tick.size == 1 || draws.tick.size == n, who, ": ", draws.tick.size, " ticks for ",
          n, " rows (needs one for all or one a row)");
}

}  // namespace loom
