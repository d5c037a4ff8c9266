#pragma once
// Sizes of published and small models, and layers with random parameters, to be timed.
#include <cmath>
#include <kernels/dream/rssm.hpp>
#include <random>
#include <vector>

namespace loom::bench {

/// Sizes of kernels' shapes and of learners'. Their defaults are size 1M.
template <class Shape>
Shape version_1() {
  Shape s;
  s.core = RssmCore::reset_after;
  s.deter = 200, s.units = 200;
  s.latents.kind = LatentsShape::Kind::gaussian;
  s.actions = 6;
  s.activation = Activation::elu;
  return s;
}
template <class Shape>
Shape size_1m() {
  Shape s;
  s.actions = 6;
  return s;
}
template <class Shape>
Shape tiny() {
  Shape s;
  s.deter = 128, s.blocks = 4;
  s.latents.groups = s.latents.classes = 8;
  return s;
}

struct RandomLayers {
  std::vector<JointSource> sources;
  double multiply_adds = 0;  ///< of one row

  explicit RandomLayers(std::vector<JointShape> const& layers) {
    for (JointShape const& l : layers) {
      float const* const w =
          numbers(l.sums() * l.width(), 0, 1 / std::sqrt(static_cast<float>(l.width())));
      float const* const b = numbers(l.sums(), 0, 0.1F);
      sources.push_back({w, b, numbers(l.sums(), 1, 0), numbers(l.sums(), 0, 0)});
      multiply_adds += static_cast<double>(l.sums()) * l.width();
    }
  }
  float* numbers(int n, float mean, float deviation) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& v : x) v = mean + deviation * normal_(random_);
    memory_.push_back(std::move(x));
    return memory_.back().data();
  }

 private:
  std::mt19937 random_{1};
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> memory_;
};

}  // namespace loom::bench
