#pragma once
// launch_blocks(exec, rows, needs, body): kernels whose lanes cooperate through dense layers.
//
// A body is a trivially copyable struct with `template <class Block> HD void operator()(Block& b) const`,
// called once for every tile of rows. A tile is float[feature][64] on the CPU (one task) and
// bf16[row][feature] in shared memory on the GPU (one block of 256 threads); the body cannot see which.
//
// Rows
//   b.first(), b.rows()        first row of this tile; rows of the whole launch
//   b.lanes(f)                 f(lane) for every row of the tile; lane.index is the global row. Lanes
//                              past the last row run too: what they touch is padded to tiles of 64
//   b.compacted(f, rare)       lanes(f), then rare.run(ids) for the rows where f was true
//   b.sync()                   what lanes and epilogues wrote before is seen after it
// Memory of the block
//   auto v = b.values(n)       float [n][row] for lanes and epilogues: v.load(col, lane),
//                              v.store(col, lane, x)
//   Tile t = b.load(InRows)    rows of a matrix, zeros past its last
//   Tile t = b.tile(n, f)      f(col, lane) for every element
//   b.tile_after_sync(n, f)    the same where no dense() has read that tile since the last sync(), and
//                              nothing that f reads was written since
//   Tile t = b.tile(n)         to be filled between two sync(): b.set(t, col, lane, x) in lanes(),
//                              every column
// Dense layers
//   b.dense(t, layer, epilogue)   epilogue(at, v) on every output, v being the machine's handful of
//                              values. One that returns a value makes the next tile; one that returns
//                              nothing stores for itself. dense uses t up; b.keep(t) leaves it alive
//   b.head(b.use(t), layer, epilogue)   dense for a layer of at most 32 outputs, without the code
//                              for wider ones
//   b.dense_rows(t, layer, epilogue, statistics...)   with sums or maxima over the columns of a row,
//                              each seeing those before: row_sum(f), row_max(f), f(at, v, earlier...);
//                              then epilogue(at, v, all...)
//   in epilogues               b.store(OutRows, at, v), b.put(values, at, v, first_col = 0),
//                              b.fetch(InRows | Tile, at), b.fetch(values, at, first_col = 0),
//                              b.fetch_row(values, at, col)
//
// The weights of layers with more than 32 outputs come from a tape: their dense calls stand in the
// order of needs.tape, all of them, as often as the body likes (the tape begins again). On the CPU
// a call out of order throws; on the GPU it is an assertion of debug builds.
//
// load(), tile(n, f) and a dense() that makes a tile sync() before they overwrite and at their end.
// A body is called again for other rows, and what it does first must not overtake what it did last:
// let it begin with one of these or with a sync(), unless it ends with lanes() after a sync().
#include <kernels/core/dense_layout.hpp>
#include <kernels/core/lane.hpp>
#include <kernels/core/math.hpp>

namespace loom {

/// What a block needs of its machine, fixed for a launch.
struct BlockNeeds {
  int width = 0;   ///< most columns of a tile
  int tiles = 1;   ///< tiles alive at once
  int values = 0;  ///< columns of all values() together
  Tape tape;       ///< the stacks in the order of their dense() calls
};

/// Statistics of dense_rows(): over all columns of a row, on a fixed tree.
template <class F>
struct RowSum {
  F f;
  static constexpr float kNeutral = 0.F;
  template <class V>
  HD static V merge(V a, V b) {
    return a + b;
  }
};
template <class F>
struct RowMax {
  F f;
  static constexpr float kNeutral = -3.402823466e38F;
  template <class V>
  HD static V merge(V a, V b) {
    return math::max(a, b);
  }
};
template <class F>
HD RowSum<F> row_sum(F f) {
  return {f};
}
template <class F>
HD RowMax<F> row_max(F f) {
  return {f};
}

/// A tile that outlives the dense() it is given to (if `alive`).
template <class Tile>
struct Kept {
  Tile tile;
  bool alive;
};

/// Where a stack's weights come from: W(n, k) = weights[n * row + k * column]; no bias means zeros.
struct DenseSource {
  float const* weights = nullptr;
  int row = 0, column = 0;
  float const* bias = nullptr;
};

/// Brings weights into the machine's order: pack_dense(exec, plan). No allocation, nothing read by
/// the host.
struct PackDense {
  DenseStack stack;
  DenseSource source[DenseStack::kMaxDepth];
};

}  // namespace loom

#if defined(__CUDACC__)
#include <kernels/core/block_gpu.hpp>
#else
#include <kernels/core/block_cpu.hpp>
#endif
