#pragma once
// The definition of recurrent state-space models in double, and models with random parameters.
#include <kernels/dream/rssm.hpp>
#include <numeric>

#include <tests/kernels/nn/machines.hpp>

namespace loom {

inline constexpr std::uint64_t kDreamSeed = 11;
inline constexpr std::uint32_t kDreamTick = 4;

/// A model with random parameters, in memory of the host.
template <class Shape>
struct RssmModel {
  Shape shape;
  std::vector<JointShape> layers;
  std::vector<float> parameters;
  std::vector<std::size_t> first;  // of each layer: weight, bias, gain, shift

  explicit RssmModel(Shape const& s) : shape(s), layers(s.layers()) {
    unsigned stream = 1;
    for (JointShape const& layer : layers) {
      first.push_back(parameters.size());
      int const sums = layer.sums(), width = layer.width();
      auto const add = [&](int n, float mean, float deviation) {
        auto const x = normal_numbers(n, mean, deviation, stream++);
        parameters.insert(parameters.end(), x.begin(), x.end());
      };
      add(sums * width, 0.F, 1.F / std::sqrt(static_cast<float>(width)));
      add(sums, 0.F, 0.1F);
      add(sums, 1.F, 0.1F);
      add(sums, 0.F, 0.1F);
    }
  }
  std::vector<JointSource> sources(float const* base) const {
    std::vector<JointSource> all;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      float const* const p = base + first[l];
      int const sums = layers[l].sums(), weights = sums * layers[l].width();
      all.push_back({p, p + weights, p + weights + sums, p + weights + 2 * sums});
    }
    return all;
  }
};

/// Steps of one row in double: draws of categoricals are those that were seen, where they are given.
class RssmReference {
 public:
  using Vector = std::vector<double>;

  template <class Shape>
  explicit RssmReference(RssmModel<Shape> const& model)
      : shape_(model.shape),
        layers_(model.layers),
        source_(model.sources(model.parameters.data())) {}

  int differing = 0, drawn = 0;

  static Vector row_of(std::vector<float> const& x, int row, int cols) {
    auto const from = x.begin() + row * cols;
    return {from, from + cols};
  }
  static Vector part(Vector const& x, int from, int n) {
    return {x.begin() + from, x.begin() + from + n};
  }
  Vector sums(std::size_t l, Vector const& x0, Vector const& x1) const {
    JointShape const& s = layers_[l];
    Vector y(static_cast<std::size_t>(s.sums()));
    int const part_of = s.inputs[0] / s.blocks, rows = s.sums() / s.blocks;
    for (int j = 0; j < s.sums(); ++j) {
      double sum = source_[l].bias[j];
      float const* const w = source_[l].weight + j * s.width();
      for (int k = 0; k < part_of; ++k)
        sum += w[k] * x0[static_cast<std::size_t>(j / rows * part_of + k)];
      for (int k = 0; k < s.inputs[1]; ++k) sum += w[part_of + k] * x1[static_cast<std::size_t>(k)];
      y[static_cast<std::size_t>(j)] = sum;
    }
    return y;
  }
  Vector hidden(std::size_t l, Vector const& x0, Vector const& x1, Vector const& added = {}) const {
    Vector y = sums(l, x0, x1);
    for (std::size_t j = 0; j < added.size(); ++j) y[j] += added[j];
    double squares = 0;
    for (double v : y) squares += v * v;
    double const scale = 1 / std::sqrt(squares / static_cast<double>(y.size()) + 1e-4);
    for (std::size_t j = 0; j < y.size(); ++j) {
      double v = y[j];
      if (shape_.core == RssmCore::block) v *= scale * source_[l].gain[j];
      y[j] = shape_.activation == Activation::silu ? v / (1 + std::exp(-v))
             : v > 0                               ? v
                                                   : std::expm1(v);
    }
    return y;
  }
  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

  Vector core(std::size_t& l, Vector const& h, Vector const& z, Vector const& a) const {
    int const d = shape_.deter;
    Vector next(h.size());
    auto const at = [](int k) { return static_cast<std::size_t>(k); };
    if (shape_.core == RssmCore::reset_after) {
      Vector const x = hidden(l, z, a), from_x = sums(l + 1, x, {}), from_h = sums(l + 2, h, {});
      l += 3;
      for (int k = 0; k < d; ++k) {
        double const r = sigmoid(from_x[at(k)] + from_h[at(k)]),
                     u = sigmoid(from_x[at(d + k)] + from_h[at(d + k)]),
                     c = std::tanh(from_x[at(2 * d + k)] + r * from_h[at(2 * d + k)]);
        next[at(k)] = u * h[at(k)] + (1 - u) * c;
      }
      return next;
    }
    Vector gates;
    int blocks = 1;
    if (shape_.core == RssmCore::layer_norm) {
      Vector const x = hidden(l, z, a);
      gates = sums(l + 1, x, h);
      double const n = static_cast<double>(gates.size()),
                   mean = std::accumulate(gates.begin(), gates.end(), 0.) / n;
      double variance = 0;
      for (double v : gates) variance += (v - mean) * (v - mean) / n;
      for (std::size_t j = 0; j < gates.size(); ++j)
        gates[j] = (gates[j] - mean) / std::sqrt(variance + 1e-3) * source_[l + 1].gain[j] +
                   source_[l + 1].shift[j];
      l += 2;
    } else {
      Vector joined = hidden(l, h, {});
      for (Vector const& more : {hidden(l + 1, z, {}), hidden(l + 2, a, {})})
        joined.insert(joined.end(), more.begin(), more.end());
      gates = sums(l + 4, hidden(l + 3, h, joined), {});
      blocks = shape_.blocks;
      l += 5;
    }
    int const units = d / blocks;
    for (int k = 0; k < d; ++k) {
      int const first = k / units * 3 * units + k % units;
      double const r = sigmoid(gates[at(first)]), c = std::tanh(r * gates[at(first + units)]),
                   u = sigmoid(gates[at(first + 2 * units)] - 1);
      next[at(k)] = u * c + (1 - u) * h[at(k)];
    }
    return next;
  }

  int draw_class(Vector const& logits, int from, int classes, double unimix, std::uint32_t word) {
    double most = -1e9, sum = 0, cumulative = 0;
    for (int k = 0; k < classes; ++k)
      most = std::max(most, logits[static_cast<std::size_t>(from + k)]);
    for (int k = 0; k < classes; ++k)
      sum += std::exp(logits[static_cast<std::size_t>(from + k)] - most);
    double const uniform = (word >> 8) / 16777216.;
    int drawn_class = 0;
    for (int k = 0; k + 1 < classes; ++k) {
      cumulative +=
          (1 - unimix) * std::exp(logits[static_cast<std::size_t>(from + k)] - most) / sum +
          unimix / classes;
      drawn_class += uniform >= cumulative;
    }
    return drawn_class;
  }
  /// Of categoricals: the classes seen, and how many differ from those drawn here is counted; without them those
  /// drawn here.
  Vector forced(Vector const& logits, int groups, int classes, double unimix, std::uint32_t stream,
                Vector const& seen) {
    Vector one_hot(logits.size());
    for (int g = 0; g < groups; ++g) {
      auto const block =
          philox<std::uint32_t>({stream, kDreamTick, static_cast<std::uint32_t>(Purpose::latent),
                                 static_cast<unsigned>(g / 4)},
                                kDreamSeed);
      std::uint32_t const words[4] = {block.x, block.y, block.z, block.w};
      auto const here = static_cast<std::size_t>(
          g * classes + draw_class(logits, g * classes, classes, unimix, words[g % 4]));
      one_hot[here] = 1;
      if (!seen.empty()) differing += seen[here] != 1.;
      ++drawn;
    }
    return seen.empty() ? one_hot : seen;
  }
  Vector state(Vector const& statistics, std::uint32_t stream, Vector const& seen) {
    LatentsShape const& z = shape_.latents;
    if (z.kind == LatentsShape::Kind::categorical)
      return forced(statistics, z.groups, z.classes, z.unimix, stream, seen);
    Random<double> random(kDreamSeed, stream, kDreamTick, Purpose::latent);
    Vector drawn_z;
    for (int d = 0; d < z.gaussian; ++d) {
      double const raw = statistics[static_cast<std::size_t>(z.gaussian + d)];
      drawn_z.push_back(statistics[static_cast<std::size_t>(d)] +
                        (std::log1p(std::exp(raw)) + z.least_deviation) * random.normal());
    }
    return drawn_z;
  }

 private:
  RssmSizes shape_;
  std::vector<JointShape> layers_;
  std::vector<JointSource> source_;
};

}  // namespace loom
