#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/permutation.hpp>
#include <kernels/nn/permutation_body.hpp>

namespace loom {

void permutation(Here exec, std::uint64_t seed, In<std::uint32_t> epoch, Out<std::int32_t> index,
                 PlaceGrid grid) {
  require(epoch.size == 1, "permutation: epoch has ", epoch.size, " elements (needs 1)");
  require(index.size < (std::size_t{1} << 31), "permutation: ", index.size,
          " indices (needs fewer than 2^31)");
  require(grid.columns >= 0 && grid.stride >= grid.columns, "permutation: rows of ", grid.columns,
          " columns lie ", grid.stride, " apart");
  int const n = static_cast<int>(index.size);
  launch(exec, n, Permutation{seed, epoch, n, index, grid});
}

}  // namespace loom
