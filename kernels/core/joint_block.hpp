#pragma once
// launch_joint(exec, rows, needs, body): block kernels that keep a state on chip for many steps.
//
// A body is a trivially copyable struct with `template <class Block> HD void operator()(Block& b) const`,
// called once for every tile of rows. Regions are float[column][64] on the CPU (one task of 64 rows) and
// bf16[row][column] in shared memory on the GPU; the body cannot see which.
//
// Rows         b.first(), b.rows(), b.lanes(f): as in block.hpp; at most b.kRows from b.first() on
//              b.each(n, f)                f(k, lane) for k < n and every row of the tile
//              b.sync()                    what was written before is seen after it
// Memory       Region r = b.region(cols)   zeros at first; columns of every piece begin at aligned(cols)
//              auto v = b.values(n)        float [n][row]: v.load(k, lane), v.store(k, lane, x)
//              b.load(InRows, r, first)    rows of a matrix into columns from `first` on
//              b.unload(r, first, OutRows) columns back into rows
//              b.set(r, col, lane, x), b.get(r, col, lane)
//              b.write(OutRows, col, lane, x)   of rows that exist
//              b.any_row(i)                i, or the last row that exists
// Layers       JointInput in = b.input(r0, first0[, r1, first1])
//              b.joint(layer, in, r, first, epilogue, statistics...)
//                     r[first + col] = epilogue(at, sum, statistics...) for every output; a statistic is
//                     row_statistic(f, finish) over the outputs of a row, each seeing those before
//              b.joint(layer, in, epilogue)         an epilogue that returns nothing
//              b.gates(layer, in, epilogue)         epilogue(at, s0, s1, s2), at.col being the unit
//              b.gates(layer, in, layer, in, epilogue)   of two layers: epilogue(at, a0 .. a2, b0 .. b2)
//              in epilogues: b.put(values, at, v), b.put(r, first, at, v), b.fetch(r, first, at),
//              b.vector(p, at), b.store(OutRows, at, v)
// Wide layers come in the order of the tape, all of them, as often as the body likes: on the CPU a call out of
// order throws, on the GPU it is an assertion of debug builds. A layer's output region is none of its inputs. No layer syncs: the body says where.
#include <kernels/core/joint_layer.hpp>
#include <kernels/core/lane.hpp>
#include <kernels/core/math.hpp>

namespace loom {

struct JointNeeds {
  int columns = 0;  ///< of all regions together, each piece rounded up by aligned()
  int regions = 0;
  int values = 0;
  Tape tape;
};

/// Columns that a piece of a region takes: whole matrix tiles on the GPU.
HD constexpr int aligned(int cols) { return (cols + 31) / 32 * 32; }

/// Over the outputs of a row, on a fixed tree: finish(sum of f(at, v, earlier...)).
template <class F, class Finish>
struct RowStatistic {
  F f;
  Finish finish;
};
template <class F, class Finish>
HD RowStatistic<F, Finish> row_statistic(F f, Finish finish) {
  return {f, finish};
}

}  // namespace loom

#if defined(__CUDACC__)
#include <kernels/core/joint_block_gpu.hpp>
#else
#include <kernels/core/joint_block_cpu.hpp>
#endif
