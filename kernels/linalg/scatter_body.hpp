#pragma once
#include <kernels/core/view.hpp>

namespace loom {

struct ScatterRows {
  InRows<float> from;
  In<std::int32_t> index;
  OutRows<float> to;

  HD void operator()(int row, int col) const {
    std::int32_t const at = index[static_cast<std::size_t>(row)];
    if (at >= 0) to.row(at)[col] = from.row(row)[col];
  }
};

}  // namespace loom
