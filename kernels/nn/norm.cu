#include <kernels/core/error.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/norm.hpp>
#include <kernels/nn/norm_body.hpp>
#include <kernels/nn/norm_workspace.hpp>

namespace loom {
namespace {

using namespace normalization;

void check_shapes(char const* who, InRows<float> x, In<float> gain, InRows<float> y,
                  std::size_t statistics) {
  require(x.cols >= 1, who, ": rows of 0 (need 1 or more)");
  require(x.rows == y.rows && x.cols == y.cols, who, ": ", x.rows, " x ", x.cols, " and ", y.rows,
          " x ", y.cols, " (need the same)");
  require(static_cast<int>(gain.size) == x.cols, who, ": rows of ", x.cols, ", gain has ",
          gain.size);
  require(statistics == 2 * static_cast<std::size_t>(x.rows), who, ": ", x.rows,
          " rows, statistics has ", statistics, " (needs 2 a row)");
}

/// Statistics differ from row to row, so even contiguous matrices go row by row.
template <class Op>
void each_element(Here exec, Op const& op, int rows, int cols) {
  EachElement const body(op, rows, cols, false);
  launch(exec, body.lanes(), body);
}

// What a row adds in order; wider ones are folds.
constexpr int kNarrow = 32;

bool narrow(Norm kind, InRows<float> x) {
  return kind == Norm::rms && x.cols <= kNarrow &&
         static_cast<std::int64_t>(x.rows) * x.stride < (std::int64_t{1} << 31);
}

}  // namespace

void norm(Here exec, Norm kind, float epsilon, InRows<float> x, In<float> gain, In<float> bias,
          OutRows<float> y, Out<float> statistics) {
  check_shapes("norm", x, gain, y, statistics.size);
  require(bias.size == 0 || bias.size == gain.size, "norm: rows of ", x.cols, ", bias has ",
          bias.size);
  float const* const shift = bias.size > 0 ? bias.data : nullptr;
  if (narrow(kind, x) && narrow(kind, y))
    return launch(exec, x.rows, NarrowRms{x, gain.data, shift, epsilon, statistics.data, y});
  if (kind == Norm::layer)
    launch_fold(exec, x.rows, LayerStatistics{x, epsilon, statistics.data});
  else
    launch_fold(exec, x.rows, RmsStatistics{x, epsilon, statistics.data});
  each_element(exec, Normalize{x, gain.data, shift, statistics.data, y}, x.rows, x.cols);
}

void norm_backward(Here exec, Norm kind, InRows<float> x, In<float> gain, In<float> statistics,
                   InRows<float> dy, OutRows<float> dx, Out<float> dgain, Out<float> dbias,
                   Out<std::uint8_t> workspace) {
  check_shapes("norm_backward", x, gain, dy, statistics.size);
  check_shapes("norm_backward", x, gain, dx, statistics.size);
  require(dgain.size == gain.size, "norm_backward: rows of ", x.cols, ", dgain has ", dgain.size);
  std::size_t const needed = norm_workspace(x.rows, x.cols);
  require(workspace.size >= needed, "norm_backward: workspace has ", workspace.size,
          " bytes (needs ", needed, ")");
  Workspace const at(x.rows, x.cols);
  float* const means = reinterpret_cast<float*>(workspace.data);
  OutRows<float> const product(reinterpret_cast<float*>(workspace.data + at.products), x.rows,
                               x.cols);
  Out<std::uint8_t> const columns = workspace.slice(at.columns, workspace.size - at.columns);
  // Before dx, which may lie in dy's memory.
  if (dbias.size > 0) column_sum(exec, dy, dbias, columns);
  if (narrow(kind, x) && narrow(kind, dy) && narrow(kind, dx)) {
    launch(exec, x.rows, NarrowRmsGradient{x, dy, gain.data, statistics.data, dx, product});
  } else {
    launch_fold(exec, x.rows, SlopeMeans{kind, x, dy, gain.data, statistics.data, means});
    each_element(exec, NormGradient{x, dy, gain.data, statistics.data, means, dx, product}, x.rows,
                 x.cols);
  }
  column_sum(exec, product, dgain, columns);
}

}  // namespace loom
