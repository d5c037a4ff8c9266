#pragma once
// How norm_backward divides its workspace.
#include <cstddef>

namespace loom::normalization {

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

/// [rows][2] means, then [rows][n] products, then the column sums' own.
struct Workspace {
  std::size_t products, columns;

  Workspace(int rows, int n)
      : products(aligned(static_cast<std::size_t>(rows) * 2 * sizeof(float))),
        columns(products + aligned(static_cast<std::size_t>(rows) * static_cast<std::size_t>(n) *
                                   sizeof(float))) {}
};

}  // namespace loom::normalization
