#pragma once
// The two folds of a global norm, shared by clip_norm.cu and adam.cu.
#include <kernels/core/error.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/clip_norm_body.hpp>

namespace loom {

/// Hands the sum of squares of `gradient` to `store` on the device.
template <class Store>
void fold_squares(Here exec, char const* who, In<float> gradient, Store store,
                  Out<std::uint8_t> workspace) {
  using namespace reduction;
  require(gradient.size < (std::size_t{1} << 31), who, ": ", gradient.size,
          " elements (fewer than 2^31)");
  require(workspace.size >= reduce_workspace(gradient.size), who, ": workspace has ",
          workspace.size, " bytes (needs ", reduce_workspace(gradient.size), ")");
  int const n = static_cast<int>(gradient.size);
  auto const [slab, slabs] = vector_plan(gradient.size);
  float* const slots = reinterpret_cast<float*>(workspace.data);
  if (slabs <= 1) {
    launch_fold(exec, 1, FoldSlabs<SumOfSquares, Store>{gradient.data, n, slab, store});
  } else {
    launch_fold(exec, slabs,
                FoldSlabs<SumOfSquares, StoreSlot<Sum>>{gradient.data, n, slab, {slots}});
    launch_fold(exec, 1, FoldSlots<Sum, Store>{slots, 1, slabs, store});
  }
}

}  // namespace loom
