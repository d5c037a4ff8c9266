#include <kernels/nn/clip_norm.hpp>
#include <kernels/nn/norm_folds.hpp>

namespace loom {

void global_norm(Here exec, In<float> gradient, Out<float> norm, Out<std::uint8_t> workspace) {
  require(norm.size == 1, "global_norm: norm has ", norm.size, " elements (needs 1)");
  fold_squares(exec, "global_norm", gradient, StoreNorm{norm.data}, workspace);
}

void clip_norm(Here exec, float max_norm, Out<float> gradient, Out<float> norm,
               Out<std::uint8_t> workspace) {
  require<ConfigError>(max_norm > 0, "clip_norm: max_norm is ", max_norm, " (needs more than 0)");
  global_norm(exec, gradient, norm, workspace);
  launch(exec, static_cast<int>(gradient.size), ClipByNorm{max_norm, norm, gradient});
}

}  // namespace loom
