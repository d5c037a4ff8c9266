#pragma once
// A network in double, row by row, as the definition has it.
#include <cmath>
#include <kernels/nn/mlp.hpp>
#include <random>
#include <vector>

namespace loom {

inline double activate_reference(Activation kind, double v) {
  switch (kind) {
    case Activation::tanh:
      return std::tanh(v);
    case Activation::relu:
      return v > 0 ? v : 0;
    case Activation::elu:
      return v > 0 ? v : std::expm1(v);
    case Activation::silu:
      return v / (1 + std::exp(-v));
    default:
      return v;
  }
}

inline std::vector<float> normals(std::size_t n, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> v(n);
  for (float& x : v) x = scale * normal(random);
  return v;
}

/// Parameters of the size that keeps activations near one.
inline std::vector<float> parameters_of(MlpShape const& shape, unsigned seed) {
  std::vector<float> all;
  for (int l = 0; l < shape.depth(); ++l) {
    auto const inputs = static_cast<std::size_t>(shape.sizes[l]),
               outputs = static_cast<std::size_t>(shape.sizes[l + 1]);
    for (float w :
         normals(inputs * outputs, seed + 2 * l, 1 / std::sqrt(static_cast<float>(inputs))))
      all.push_back(w);
    for (float b : normals(outputs, seed + 2 * l + 1, 0.1F)) all.push_back(b);
  }
  return all;
}

inline std::vector<double> mlp_reference(MlpShape const& shape,
                                         std::vector<float> const& parameters,
                                         std::vector<float> const& x) {
  std::size_t const rows = x.size() / static_cast<std::size_t>(shape.inputs());
  std::vector<double> h(x.begin(), x.end());
  float const* p = parameters.data();
  for (int l = 0; l < shape.depth(); ++l) {
    auto const inputs = static_cast<std::size_t>(shape.sizes[l]),
               outputs = static_cast<std::size_t>(shape.sizes[l + 1]);
    std::vector<double> next(rows * outputs);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t n = 0; n < outputs; ++n) {
        double sum = p[inputs * outputs + n];
        for (std::size_t k = 0; k < inputs; ++k)
          sum += static_cast<double>(p[n * inputs + k]) * h[r * inputs + k];
        next[r * outputs + n] =
            activate_reference(l + 1 < shape.depth() ? shape.hidden : shape.output, sum);
      }
    h = next;
    p += (inputs + 1) * outputs;
  }
  return h;
}

}  // namespace loom
