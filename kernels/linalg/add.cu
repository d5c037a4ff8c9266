#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/linalg/add.hpp>
#include <kernels/linalg/add_body.hpp>

namespace loom {

void add(Here exec, In<float> a, In<float> b, Out<float> y) {
  require(a.size == b.size && a.size == y.size, "add: ", a.size, " and ", b.size, " elements into ",
          y.size);
  launch(exec, static_cast<int>(a.size), Add{a, b, y});
}

}  // namespace loom
