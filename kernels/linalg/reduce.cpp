#include <kernels/linalg/reduce.hpp>
#include <kernels/linalg/reduce_body.hpp>

namespace loom {

std::size_t reduce_workspace(std::size_t n) {
  return static_cast<std::size_t>(reduction::vector_plan(n).slabs) * reduction::Moments::kParts *
         sizeof(float);
}

std::size_t column_reduce_workspace(int rows, int cols) {
  return static_cast<std::size_t>(reduction::column_plan(rows, cols).slots()) *
         static_cast<std::size_t>(cols) * reduction::Moments::kParts * sizeof(float);
}

}  // namespace loom
