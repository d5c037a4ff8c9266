#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/norm.hpp>
#include <kernels/nn/norm_workspace.hpp>

namespace loom {

std::size_t norm_workspace(int rows, int n) {
  return normalization::Workspace(rows, n).columns + column_reduce_workspace(rows, n);
}

}  // namespace loom
