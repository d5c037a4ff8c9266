#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/linalg/affine_body.hpp>

namespace loom {

void affine(Here exec, float scale, float shift, In<float> x, Out<float> y) {
  require(x.size == y.size, "affine: ", x.size, " numbers into ", y.size);
  launch(exec, static_cast<int>(x.size), Affine{scale, shift, x, y});
}

}  // namespace loom
