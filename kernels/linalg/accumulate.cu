#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/linalg/accumulate.hpp>
#include <kernels/linalg/accumulate_body.hpp>

namespace loom {

void accumulate(Here exec, InRows<float> x, OutRows<float> y) {
  require(x.rows == y.rows && x.cols == y.cols, "accumulate: ", x.rows, " x ", x.cols, " onto ",
          y.rows, " x ", y.cols, " (needs the same)");
  bool const contiguous = x.stride == x.cols && y.stride == y.cols;
  EachElement const each(Accumulate{x, y}, x.rows, x.cols, contiguous);
  launch(exec, each.lanes(), each);
}

}  // namespace loom
