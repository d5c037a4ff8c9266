#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/rows.hpp>
#include <kernels/nn/shared_rows.hpp>
#include <kernels/nn/shared_rows_body.hpp>

namespace loom {

void add_shared_rows(Here exec, Activation activation, InRows<float> x, InRows<float> shared,
                     OutRows<float> y) {
  char const* const who = "add_shared_rows";
  check_rows(who, x, y);
  check_extent(who, shared);
  require(shared.cols == x.cols && shared.rows > 0 && x.rows % shared.rows == 0, who, ": [", x.rows,
          "][", x.cols, "] and shared [", shared.rows, "][", shared.cols,
          "] (needs a multiple of the rows, and the same columns)");
  EachElement const each(AddSharedRows{activation, x.rows / shared.rows, x, shared, y}, x.rows,
                         x.cols, false);
  launch(exec, each.lanes(), each);
}

}  // namespace loom
