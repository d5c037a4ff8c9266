#include <kernels/core/error.hpp>
#include <kernels/dream/rollout.hpp>
#include <kernels/dream/rollout_body.hpp>

#include <tests/kernels/dream/rssm_reference.hpp>

namespace loom {
namespace {

constexpr int kHorizon = 15;

using Vector = RssmReference::Vector;
using Model = RssmModel<DreamShape>;

/// The definition in double: one row, its draws' classes and actions taken from `seen` where they are given.
class Reference : public RssmReference {
 public:
  explicit Reference(Model const& model) : RssmReference(model), m_(model) {}

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
  Vector act(Vector const& output, std::uint32_t stream, Vector const& seen) {
    PolicyShape const& p = m_.shape.policy;
    int const n = m_.shape.actions;
    if (p.kind == DreamPolicy::categorical) return forced(output, 1, n, p.unimix, stream, seen);
    Random<double> random(kDreamSeed, stream, kDreamTick, Purpose::action);
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

  Model const& m_;
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
             tick = uploaded(exec, count_from(kDreamTick, 1));
  Buffer<float> feature(exec, elements((kHorizon + 1) * rows, f)),
      action(exec, elements(kHorizon * rows, a));
  visit(exec, [&](auto e) {
    dream_rollout(e, packed.view(), {from.data(), rows, f}, {kDreamSeed, stream.in(), tick.in()},
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
      auto const row_of = RssmReference::row_of;
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
    // Gates of several kinds are kept beside each other.
    shape = small(RssmCore::reset_after, LatentsShape::Kind::gaussian, DreamPolicy::tanh_normal);
    shape.deter = 129;
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
}

}  // namespace
}  // namespace loom
