#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/moving_average.hpp>
#include <kernels/nn/moving_average_body.hpp>

namespace loom {

void moving_average(Here exec, float rate, In<float> x, Out<float> average) {
  require(x.size == average.size, "moving_average: ", x.size, " numbers, ", average.size,
          " averages");
  require<ConfigError>(rate > 0 && rate <= 1, "moving_average: rate ", rate,
                       " (needs 0 < rate <= 1)");
  launch(exec, static_cast<int>(x.size), MovingAverage{rate, x, average});
}

}  // namespace loom
