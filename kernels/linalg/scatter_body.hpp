#pragma once
#include <kernels/core/view.hpp>

namespace loom {

/// Moves whole words of a row, as GatherRows.
template <class W>
struct ScatterRows {
  W const* from;
  std::int64_t from_stride;  // words
  std::int32_t const* index;
  W* to;
  std::int64_t to_stride;

  HD void operator()(int row, int col) const {
    std::int32_t const at = index[row];
    if (at >= 0) to[at * to_stride + col] = from[row * from_stride + col];
  }
};

}  // namespace loom
