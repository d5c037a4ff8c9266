#include <kernels/core/launch.hpp>
#include <tests/kernels/core/lane_bodies.hpp>

namespace loom::lane_test {

void evaluate_all(Here exec, Function function, In<float> x, Out<float> y) {
  launch(exec, static_cast<int>(x.size), Evaluate{function, x, y});
}

void draw_all(Here exec, Draw const& draw) { launch(exec, draw.n, draw); }

void count_lanes(Here exec, int n, Out<float> y) { launch(exec, n, Count{y}); }

}  // namespace loom::lane_test
