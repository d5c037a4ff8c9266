#include <kernels/core/error.hpp>
#include <kernels/core/launch_rows.hpp>
#include <kernels/linalg/scatter.hpp>
#include <kernels/linalg/scatter_body.hpp>

namespace loom {

void scatter_rows(Here exec, InRows<float> from, In<std::int32_t> index, OutRows<float> to) {
  require(from.cols == to.cols && static_cast<int>(index.size) == from.rows,
          "scatter_rows: ", index.size, " indices for ", from.rows, " x ", from.cols,
          " into rows of ", to.cols);
  launch_rows(exec, from.rows, from.cols, ScatterRows{from, index, to});
}

}  // namespace loom
