#include <kernels/nn/two_hot.hpp>

#include <cmath>
#include <kernels/core/error.hpp>

namespace loom {

std::vector<float> two_hot_bins(int bins) {
  require(bins >= 3 && bins % 2 == 1, "two_hot_bins: ", bins, " bins (needs an odd number from 3)");
  int const half = bins / 2;
  std::vector<float> all(static_cast<std::size_t>(bins));
  for (int k = 0; k < half; ++k) {
    float const far = static_cast<float>(std::expm1(20. * (half - k) / half));
    all[static_cast<std::size_t>(k)] = -far;
    all[static_cast<std::size_t>(bins - 1 - k)] = far;
  }
  return all;
}

}  // namespace loom
