#pragma once
// A world model whose dreams are known: all weights are zero, and the prior's biases choose a class.
#include <cmath>
#include <kernels/dream/rollout.hpp>
#include <vector>

namespace own {

inline loom::DreamShape shape() {
  loom::DreamShape s;
  s.deter = 64, s.units = 16, s.blocks = 4;
  s.latents.groups = 3, s.latents.classes = 4, s.latents.unimix = 0;
  s.actions = 2;
  return s;
}

/// Weights and vectors of every layer one after the other, and where each begins.
struct Weights {
  std::vector<float> numbers;
  std::vector<std::size_t> first;

  Weights() {
    auto const layers = shape().layers();
    for (loom::JointShape const& layer : layers) {
      first.push_back(numbers.size());
      numbers.resize(numbers.size() + std::size_t(layer.sums()) * std::size_t(layer.width() + 1));
    }
    // The last layer's biases: class 2 of every group is all but certain.
    std::size_t const bias = numbers.size() - std::size_t(layers.back().sums());
    for (std::size_t g = 0; g < 3; ++g) numbers[bias + 4 * g + 2] = 60;
  }
  /// The layers in memory that holds the numbers.
  std::vector<loom::JointSource> sources(float const* memory) const {
    std::vector<loom::JointSource> all;
    auto const layers = shape().layers();
    for (std::size_t l = 0; l < layers.size(); ++l) {
      float const* const weight = memory + first[l];
      all.push_back({.weight = weight, .bias = weight + layers[l].sums() * layers[l].width()});
    }
    return all;
  }
};

constexpr int kStarts = 70, kSteps = 5;

inline std::vector<float> starts() {
  std::vector<float> x(std::size_t(kStarts) * std::size_t(shape().feature()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01F * float(i % 97) - 0.5F;
  return x;
}

/// Every gate is half open but the update gate, sigmoid(-1): h decays by sigmoid(1) a step; z is class 2.
inline bool as_known(std::vector<float> const& feature, double tolerance) {
  auto const first = starts();
  int const f = shape().feature(), deter = shape().deter;
  double const kept = 1 / (1 + std::exp(-1.));
  for (int t = 1; t <= kSteps; ++t)
    for (int r = 0; r < kStarts; ++r)
      for (int k = 0; k < f; ++k) {
        double const got = feature[std::size_t((t * kStarts + r) * f + k)];
        double const want = k < deter ? double{first[std::size_t(r * f + k)]} * std::pow(kept, t)
                                      : double((k - deter) % 4 == 2);
        if (std::abs(got - want) > tolerance) return false;
      }
  return true;
}

}  // namespace own
