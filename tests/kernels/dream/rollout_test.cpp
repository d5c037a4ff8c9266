#include <kernels/core/error.hpp>
#include <kernels/dream/rollout.hpp>
#include <kernels/dream/rollout_body.hpp>
#include <numeric>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

constexpr std::uint64_t kSeed = 11;
constexpr std::uint32_t kTick = 4;
constexpr int kHorizon = 15;

using Vector = std::vector<double>;

/// A model with random parameters, in memory of the host.
struct Model {
  DreamShape shape;
  std::vector<JointShape> layers;
  std::vector<float> parameters;
  std::vector<std::size_t> first;  // of each layer: weight, bias, gain, shift

  explicit Model(DreamShape const& s) : shape(s), layers(s.layers()) {
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

/// The definition in double: one row, its draws' classes and actions taken from `seen` where they are given.
class Reference {
 public:
  Reference(Model const& model) : m_(model), source_(model.sources(model.parameters.data())) {}

  int differing = 0, drawn = 0;

  /// Features of states 0 to H of one row. seen(t): its feature as the kernel has it, seen_action(t).
  template <class Seen, class SeenAction>
  std::vector<Vector> run(Vector const& start, std::uint32_t row, int n, Seen const& seen,
                          SeenAction const& seen_action) {
    DreamShape const& s = m_.shape;
    std::vector<Vector> all{start};
    for (int t = 0; t < kHorizon; ++t) {
      Vector const &now = all.back(), h = part(now, 0, s.deter);
      Vector const z = part(now, s.deter, s.stochastic());
      std::size_t l = 0;
      Vector x = hidden(l++, h, z);
      for (int k = 1; k < s.actor_layers; ++k) x = hidden(l++, x, {});
      Vector const output = sums(l++, x, {});
      Vector a = act(output, static_cast<std::uint32_t>(t * n) + row, seen_action(t));
      if (s.bounded_actions)
        for (double& v : a) v /= std::max(1., std::abs(v));
      Vector next = core(l, h, z, a);
      x = next;
      for (int k = 0; k < s.prior_layers; ++k) x = hidden(l++, x, {});
      Vector const statistics = sums(l++, x, {});
      Vector const drawn_z = state(statistics, static_cast<std::uint32_t>((kHorizon + t) * n) + row,
                                   part(seen(t + 1), s.deter, s.stochastic()));
      next.insert(next.end(), drawn_z.begin(), drawn_z.end());
      all.push_back(next);
    }
    return all;
  }

 private:
  static Vector part(Vector const& x, int from, int n) {
    return {x.begin() + from, x.begin() + from + n};
  }
  Vector sums(std::size_t l, Vector const& x0, Vector const& x1) const {
    JointShape const& s = m_.layers[l];
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
  Vector hidden(std::size_t l, Vector const& x0, Vector const& x1) const {
    Vector y = sums(l, x0, x1);
    double squares = 0;
    for (double v : y) squares += v * v;
    double const scale = 1 / std::sqrt(squares / static_cast<double>(y.size()) + 1e-4);
    for (std::size_t j = 0; j < y.size(); ++j) {
      double v = y[j];
      if (m_.shape.core == RssmCore::block) v *= scale * source_[l].gain[j];
      y[j] = m_.shape.activation == Activation::silu ? v / (1 + std::exp(-v))
             : v > 0                                 ? v
                                                     : std::expm1(v);
    }
    return y;
  }
  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

  Vector core(std::size_t& l, Vector const& h, Vector const& z, Vector const& a) const {
    int const d = m_.shape.deter;
    Vector next(h.size());
    auto const at = [](int k) { return static_cast<std::size_t>(k); };
    if (m_.shape.core == RssmCore::reset_after) {
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
    if (m_.shape.core == RssmCore::layer_norm) {
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
      blocks = m_.shape.blocks;
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
  /// Of categoricals: the classes seen; how many differ from those drawn here is counted.
  Vector forced(Vector const& logits, int groups, int classes, double unimix, std::uint32_t stream,
                Vector const& seen) {
    for (int g = 0; g < groups; ++g) {
      auto const block =
          philox<std::uint32_t>({stream, kTick, static_cast<std::uint32_t>(Purpose::latent),
                                 static_cast<unsigned>(g / 4)},
                                kSeed);
      std::uint32_t const words[4] = {block.x, block.y, block.z, block.w};
      int const here = draw_class(logits, g * classes, classes, unimix, words[g % 4]);
      differing += seen[static_cast<std::size_t>(g * classes + here)] != 1.;
      ++drawn;
    }
    return seen;
  }
  Vector act(Vector const& output, std::uint32_t stream, Vector const& seen) {
    PolicyShape const& p = m_.shape.policy;
    int const n = m_.shape.actions;
    if (p.kind == DreamPolicy::categorical) return forced(output, 1, n, p.unimix, stream, seen);
    Random<double> random(kSeed, stream, kTick, Purpose::action);
    Vector a;
    for (int k = 0; k < n; ++k) {
      double const m = output[static_cast<std::size_t>(k)],
                   s = output[static_cast<std::size_t>(n + k)];
      a.push_back(
          p.kind == DreamPolicy::bounded_normal
              ? BoundedNormalPolicy{p.deviation}.draw(random, m, s)
          : p.kind == DreamPolicy::tanh_normal
              ? TanhPolicy{p.tanh, static_cast<float>(std::log(std::expm1(5.)))}.draw(random, m, s)
              : TruncatedPolicy{}.draw(random, m, s));
    }
    return a;
  }
  Vector state(Vector const& statistics, std::uint32_t stream, Vector const& seen) {
    LatentsShape const& z = m_.shape.latents;
    if (z.kind == LatentsShape::Kind::categorical)
      return forced(statistics, z.groups, z.classes, z.unimix, stream, seen);
    Random<double> random(kSeed, stream, kTick, Purpose::latent);
    Vector drawn_z;
    for (int d = 0; d < z.gaussian; ++d) {
      double const raw = statistics[static_cast<std::size_t>(z.gaussian + d)];
      drawn_z.push_back(statistics[static_cast<std::size_t>(d)] +
                        (std::log1p(std::exp(raw)) + z.least_deviation) * random.normal());
    }
    return drawn_z;
  }

  Model const& m_;
  std::vector<JointSource> source_;
};

/// What the kernel makes of `rows` starts.
struct Imagined {
  std::vector<float> feature, action;
};
Imagined imagine(Exec const& exec, Model const& model, std::vector<float> const& start, int rows) {
  int const f = model.shape.feature(), a = model.shape.actions;
  auto const parameters = uploaded(exec, model.parameters), from = uploaded(exec, start);
  PackedDream packed(exec, model.shape);
  packed.pack(exec, model.sources(parameters.data()));
  auto const stream = uploaded(exec, count_from(0, 2 * kHorizon * rows)),
             tick = uploaded(exec, count_from(kTick, 1));
  Buffer<float> feature(exec, elements((kHorizon + 1) * rows, f)),
      action(exec, elements(kHorizon * rows, a));
  visit(exec, [&](auto e) {
    dream_rollout(e, packed.view(), {from.data(), rows, f}, {kSeed, stream.in(), tick.in()},
                  {{feature.data(), (kHorizon + 1) * rows, f},
                   {action.data(), kHorizon * rows, a},
                   {},
                   nullptr});
  });
  return {download(feature), download(action)};
}

DreamShape small(RssmCore core, LatentsShape::Kind latents, DreamPolicy policy) {
  DreamShape s;
  s.core = core;
  s.deter = 128, s.units = 40, s.blocks = 4;
  s.latents.kind = latents;
  s.latents.groups = 9, s.latents.classes = 5, s.latents.gaussian = 11;
  s.actions = 3;
  s.policy.kind = policy;
  s.actor_layers = 2, s.prior_layers = 1;
  if (core != RssmCore::block) {
    s.activation = Activation::elu;
    s.bounded_actions = false;
  }
  return s;
}
std::vector<DreamShape> every_shape() {
  using Kind = LatentsShape::Kind;
  return {small(RssmCore::block, Kind::categorical, DreamPolicy::categorical),
          small(RssmCore::block, Kind::gaussian, DreamPolicy::bounded_normal),
          small(RssmCore::reset_after, Kind::gaussian, DreamPolicy::tanh_normal),
          small(RssmCore::layer_norm, Kind::categorical, DreamPolicy::truncated_normal)};
}

std::vector<float> starts(Model const& model, int rows) {
  return normal_numbers(rows * model.shape.feature(), 0, 0.5F, 99);
}

TEST(DreamRollout, IsItsDefinitionInDouble) {
  int const rows = 70;
  for (DreamShape const& shape : every_shape()) {
    Model const model(shape);
    auto const start = starts(model, rows);
    for (Exec const& exec : every_machine()) {
      ASSERT_TRUE(dream_fits(exec, shape)) << describe(exec);
      auto const got = imagine(exec, model, start, rows);
      int const f = shape.feature();
      auto const row_of = [&](std::vector<float> const& x, int row, int cols) {
        auto const from = x.begin() + row * cols;
        return Vector(from, from + cols);
      };
      Reference reference(model);
      double error = 0, size = 0, step_error = 0;
      for (int r = 0; r < rows; ++r) {
        auto const want = reference.run(
            row_of(start, r, f), static_cast<unsigned>(r), rows,
            [&](int t) { return row_of(got.feature, t * rows + r, f); },
            [&](int t) { return row_of(got.action, t * rows + r, shape.actions); });
        for (int t = 0; t <= kHorizon; ++t)
          for (int k = 0; k < f; ++k) {
            double const w = want[static_cast<std::size_t>(t)][static_cast<std::size_t>(k)],
                         d = got.feature[elements(t * rows + r, f) + static_cast<std::size_t>(k)] -
                             w;
            error += d * d, size += w * w;
            if (t == 1) step_error += d * d;
          }
      }
      bool const cpu = on_cpu(exec);
      // 15 steps in fp32; on a GPU a step of bf16 weights and states.
      EXPECT_LE(std::sqrt(error / size), cpu ? 1e-5 : 2e-2)
          << describe(exec) << ", core " << static_cast<int>(shape.core);
      EXPECT_LE(reference.differing, cpu ? reference.drawn / 1000 : reference.drawn / 100)
          << describe(exec) << " of " << reference.drawn;
    }
  }
}

TEST(DreamRollout, IsTheSameForAnyThreadsAndTilesAndTwice) {
  int const rows = 300;
  ThreadPool pool(2);
  for (DreamShape const& shape : every_shape()) {
    Model const model(shape);
    auto const start = starts(model, rows);
    auto const first = imagine(Cpu{}, model, start, rows);
    EXPECT_EQ(imagine(Cpu{&pool}, model, start, rows).feature, first.feature);
    EXPECT_EQ(imagine(Cpu{}, model, start, rows).action, first.action);
    for (Exec const& exec : every_exec()) {
      int const few = 20;
      auto const once = imagine(exec, model, start, few), again = imagine(exec, model, start, few);
      EXPECT_EQ(again.feature, once.feature) << describe(exec);
      EXPECT_EQ(again.action, once.action) << describe(exec);
    }
  }
}

/// Two layers the wrong way round.
struct Backwards {
  JointStack stack;

  template <class Block>
  void operator()(Block& b) const {
    auto const x = b.region(64), y = b.region(64);
    for (int l : {1, 0})
      b.joint(stack.layers[l], b.input(x, 0), y, 0, [](auto, auto v) { return v; });
  }
};

TEST(JointBlock, ThrowsWhereLayersComeOutOfOrder) {
  JointShape const shapes[2] = {{.inputs = {40, 0}, .outputs = 48},
                                {.inputs = {40, 0}, .outputs = 40}};
  std::vector<std::byte> memory(joint_layout::place(true, shapes, 2, nullptr).bytes);
  JointStack const stack = joint_layout::place(true, shapes, 2, memory.data()).stack;
  EXPECT_THROW(launch_joint(Cpu{}, 10, {128, 2, 0, Tape(stack.tape)}, Backwards{stack}),
               ShapeError);
}

TEST(DreamRollout, TakesOddWidthsOnlyWhereTheyCanBeStored) {
  for (Exec const& exec : every_exec()) {
    DreamShape shape =
        small(RssmCore::block, LatentsShape::Kind::categorical, DreamPolicy::categorical);
    shape.units = 41;
    EXPECT_EQ(dream_fits(exec, shape), on_cpu(exec));
  }
}

TEST(DreamRollout, RefusesWhatDoesNotFit) {
  DreamShape shape =
      small(RssmCore::block, LatentsShape::Kind::categorical, DreamPolicy::categorical);
  shape.deter = 130;
  EXPECT_THROW(PackedDream(Cpu{}, shape), ConfigError);
  shape.deter = 128;
  PackedDream packed(Cpu{}, shape);
  EXPECT_THROW(packed.pack(Cpu{}, {}), ShapeError);
  int const f = shape.feature();
  std::vector<float> x(static_cast<std::size_t>(3 * f)), a(6);
  std::vector<std::uint32_t> streams(4), tick(1);
  DreamOutput const output{{x.data(), 3, f}, {a.data(), 2, 3}, {}, nullptr};
  EXPECT_THROW(dream_rollout(Cpu{}, packed.view(), {x.data(), 2, f}, {1, streams, tick}, output),
               ShapeError);
  DreamKept const kept;
  DreamOutput keeping{{x.data(), 3, f}, {a.data(), 2, 3}, {}, &kept};
  EXPECT_THROW(dream_rollout(Cpu{}, packed.view(), {x.data(), 1, f}, {1, streams, tick}, keeping),
               ShapeError);
}

}  // namespace
}  // namespace loom
