#include <kernels/core/error.hpp>
#include <kernels/dream/observe.hpp>
#include <kernels/nn/activation_body.hpp>

#include <tests/kernels/dream/rssm_reference.hpp>

namespace loom {
namespace {

constexpr int kSteps = 15;

using Vector = RssmReference::Vector;
using Model = RssmModel<ObserveShape>;

/// Recorded sequences, [T][B].
struct Records {
  int sequences;
  std::vector<float> start, action, first, token_sums;

  Records(ObserveShape const& s, int n)
      : sequences(n),
        start(normal_numbers(elements(n, s.feature()), 0, 0.5F, 99)),
        action(normal_numbers(elements(kSteps * n, s.actions), 0, 0.5F, 98)),
        first(elements(kSteps, n)),
        token_sums(normal_numbers(elements(kSteps * n, s.units), 0, 0.5F, 97)) {
    // Episodes begin at different steps, at the first one as well.
    for (std::size_t i = 0; i < first.size(); i += 7) {
      first[i] = 1;
      for (int k = 0; k < s.actions; ++k)
        action[i * static_cast<std::size_t>(s.actions) + static_cast<std::size_t>(k)] = 0;
    }
  }
};

/// Room for all activations of a scan.
struct Kept {
  std::vector<Buffer<float>> memory;
  std::vector<KeptLayer> layers;

  Kept(Exec const& exec, Model const& model, int rows) {
    auto const matrix = [&](int cols) {
      memory.push_back(zeros<float>(exec, elements(rows, cols)));
      return memory.back().data();
    };
    for (JointShape const& s : model.layers) {
      float *const output = matrix(s.sums()), *const sums = matrix(s.sums()),
                   *const inner = matrix(s.sums());
      layers.push_back({output, s.sums(), sums, inner, matrix(2)});
    }
  }
  std::vector<float> of(float const* p) const {
    for (auto const& m : memory)
      if (m.data() == p) return download(m);
    return {};
  }
};

/// [h z] of every step; all activations go to `kept`, if given.
std::vector<float> observed(Exec const& exec, Model const& model, Records const& records,
                            Kept* kept = nullptr) {
  ObserveShape const& s = model.shape;
  int const n = records.sequences, rows = kSteps * n;
  auto const parameters = uploaded(exec, model.parameters), start = uploaded(exec, records.start),
             action = uploaded(exec, records.action), first = uploaded(exec, records.first),
             token_sums = uploaded(exec, records.token_sums);
  PackedObserve packed(exec, s);
  packed.pack(exec, model.sources(parameters.data()));
  auto const stream = uploaded(exec, count_from(0, static_cast<std::size_t>(rows))),
             tick = uploaded(exec, count_from(kDreamTick, 1));
  Buffer<float> feature(exec, elements(rows, s.feature()));
  visit(exec, [&](auto e) {
    dream_observe(
        e, packed.view(),
        {{start.data(), n, s.feature()},
         {action.data(), rows, s.actions},
         first.in(),
         {token_sums.data(), rows, s.units},
         {kDreamSeed, stream.in(), tick.in()}},
        {{feature.data(), rows, s.feature()}, kept == nullptr ? nullptr : kept->layers.data()});
  });
  return download(feature);
}

/// One sequence in double; seen(t): its feature as the kernel has it, or nothing.
template <class Seen>
std::vector<Vector> follow(RssmReference& reference, Model const& model, Records const& records,
                           int row, Seen const& seen, std::vector<Vector>* statistics = nullptr) {
  ObserveShape const& s = model.shape;
  Vector now = RssmReference::row_of(records.start, row, s.feature());
  std::vector<Vector> all;
  for (int t = 0; t < kSteps; ++t) {
    int const at = t * records.sequences + row;
    if (records.first[static_cast<std::size_t>(at)] != 0) std::fill(now.begin(), now.end(), 0.);
    std::size_t l = 0;
    now = reference.core(l, RssmReference::part(now, 0, s.deter),
                         RssmReference::part(now, s.deter, s.stochastic()),
                         RssmReference::row_of(records.action, at, s.actions));
    Vector x =
        reference.hidden(l++, now, {}, RssmReference::row_of(records.token_sums, at, s.units));
    for (int k = 1; k < s.posterior_layers; ++k) x = reference.hidden(l++, x, {});
    Vector const numbers = reference.sums(l, x, {}), known = seen(at);
    if (statistics != nullptr) statistics->push_back(numbers);
    Vector const z = reference.state(
        numbers, static_cast<std::uint32_t>(at),
        known.empty() ? Vector() : RssmReference::part(known, s.deter, s.stochastic()));
    now.insert(now.end(), z.begin(), z.end());
    all.push_back(now);
  }
  return all;
}

ObserveShape small(RssmCore core, LatentsShape::Kind latents, Activation activation,
                   int posterior_layers) {
  ObserveShape s;
  s.core = core;
  s.deter = 128, s.units = 40, s.blocks = 4;
  s.latents.kind = latents;
  s.latents.groups = 9, s.latents.classes = 5, s.latents.gaussian = 11;
  s.actions = 3;
  s.posterior_layers = posterior_layers;
  s.activation = activation;
  return s;
}
std::vector<ObserveShape> every_shape() {
  using Kind = LatentsShape::Kind;
  return {small(RssmCore::block, Kind::categorical, Activation::silu, 1),
          small(RssmCore::block, Kind::gaussian, Activation::elu, 2),
          small(RssmCore::reset_after, Kind::gaussian, Activation::elu, 1),
          small(RssmCore::layer_norm, Kind::categorical, Activation::silu, 2)};
}

/// |x - want| / |want| of many numbers.
struct NormWise {
  double error = 0, size = 0;

  void add(double x, double want) { error += (x - want) * (x - want), size += want * want; }
  double value() const { return std::sqrt(error / size); }
};

TEST(DreamObserve, IsItsDefinitionInDouble) {
  // Less than a pack of rows, several tiles, the last of them not full.
  for (int const rows : {5, 16, 70})
    for (ObserveShape const& shape : every_shape()) {
      Model const model(shape);
      Records const records(shape, rows);
      for (Exec const& exec : every_machine()) {
        ASSERT_TRUE(observe_fits(exec, shape)) << describe(exec);
        Kept kept(exec, model, kSteps * rows);
        auto const got = observed(exec, model, records, &kept);
        auto const statistics = kept.of(kept.layers.back().output);
        int const f = shape.feature(), m = shape.latents.statistics();
        RssmReference reference(model), alone(model);
        NormWise error, error_of_statistics;
        int same = 0, all = 0;
        for (int r = 0; r < rows; ++r) {
          std::vector<Vector> numbers;
          auto const want = follow(
              reference, model, records, r,
              [&](int at) { return RssmReference::row_of(got, at, f); }, &numbers);
          auto const free = follow(alone, model, records, r, [](int) { return Vector(); });
          for (int t = 0; t < kSteps; ++t) {
            auto const s = static_cast<std::size_t>(t);
            int const at = t * rows + r;
            for (int k = 0; k < f; ++k) {
              auto const i = static_cast<std::size_t>(k);
              float const x = got[elements(at, f) + i];
              error.add(x, want[s][i]);
              if (k < shape.deter || free[s][i] != 1.) continue;
              same += x == 1.F, ++all;
            }
            for (int k = 0; k < m; ++k)
              error_of_statistics.add(statistics[elements(at, m) + static_cast<std::size_t>(k)],
                                      numbers[s][static_cast<std::size_t>(k)]);
          }
        }
        bool const cpu = on_cpu(exec);
        std::string const what =
            describe(exec) + ", core " + std::to_string(static_cast<int>(shape.core));
        // 15 steps in fp32; on a GPU steps of bf16 weights and states.
        EXPECT_LE(error.value(), cpu ? 1e-5 : 2e-2) << what;
        EXPECT_LE(error_of_statistics.value(), cpu ? 1e-5 : 2e-2) << what;
        EXPECT_LE(reference.differing, cpu ? reference.drawn / 1000 : reference.drawn / 100)
            << what << " of " << reference.drawn;
        if (shape.latents.kind == LatentsShape::Kind::categorical && cpu) {
          EXPECT_GT(same, 0.999 * all) << what;
        }
      }
    }
}

TEST(DreamObserve, LeavesWhatTheLayersWouldHaveKept) {
  int const rows = 20;
  for (ObserveShape const& shape : every_shape()) {
    Model const model(shape);
    Records const records(shape, rows);
    for (Exec const& exec : every_machine()) {
      Kept kept(exec, model, kSteps * rows);
      auto const got = observed(exec, model, records, &kept);
      auto const sources = model.sources(model.parameters.data());
      EXPECT_EQ(observed(exec, model, records), got) << "kept or not";
      for (std::size_t l = 0; l + 1 < model.layers.size(); ++l) {
        JointShape const& s = model.layers[l];
        auto const output = kept.of(kept.layers[l].output), sums = kept.of(kept.layers[l].sums),
                   inner = kept.of(kept.layers[l].inner),
                   statistics = kept.of(kept.layers[l].statistics);
        bool const gates = l > 0 && s.sums() == 3 * shape.deter,
                   norm = shape.core == RssmCore::block ? !gates : gates && s.gates == 1;
        for (std::size_t i = 0; i < output.size(); ++i) {
          std::size_t const r = i / static_cast<std::size_t>(s.sums()),
                            k = i % static_cast<std::size_t>(s.sums());
          double in = gates ? output[i] : inner[i];
          if (norm) {
            double const shift = gates ? sources[l].shift[k] : 0.F;
            double const normal =
                (sums[i] - double{statistics[2 * r]}) * statistics[2 * r + 1] * sources[l].gain[k] +
                shift;
            ASSERT_NEAR(in, normal, 1e-4 * std::max(1., std::abs(normal))) << "layer " << l;
          }
          if (gates) continue;
          // A GPU's sigmoid is within 2^-11.
          double const y = activate(shape.activation, in);
          ASSERT_NEAR(output[i], y, 1e-3 * std::max(0.1, std::abs(y)))
              << describe(exec) << ", layer " << l;
        }
      }
    }
  }
}

TEST(DreamObserve, IsTheSameForAnyThreadsAndTilesAndTwice) {
  int const rows = 300;
  ThreadPool pool(2);
  for (ObserveShape const& shape : every_shape()) {
    Model const model(shape);
    Records const records(shape, rows);
    auto const first = observed(Cpu{}, model, records);
    EXPECT_EQ(observed(Cpu{&pool}, model, records), first);
    EXPECT_EQ(observed(Cpu{}, model, records), first);
    for (Exec const& exec : every_exec()) {
      Records const few(shape, 20);
      EXPECT_EQ(observed(exec, model, few), observed(exec, model, few)) << describe(exec);
    }
  }
}

TEST(DreamObserve, KnowsNothingOfWhatWasBeforeAnEpisode) {
  ObserveShape const shape = every_shape().front();
  Model const model(shape);
  for (Exec const& exec : every_exec()) {
    Records one(shape, 16), other(shape, 16);
    // Row 3 begins anew at step 4: another start of the sequence is forgotten there.
    one.first[elements(4, 16) + 3] = other.first[elements(4, 16) + 3] = 1;
    for (int k = 0; k < shape.feature(); ++k)
      other.start[elements(3, shape.feature()) + static_cast<std::size_t>(k)] += 1.F;
    auto const x = observed(exec, model, one), y = observed(exec, model, other);
    for (int t = 0; t < kSteps; ++t) {
      bool const same = RssmReference::row_of(x, t * 16 + 3, shape.feature()) ==
                        RssmReference::row_of(y, t * 16 + 3, shape.feature());
      // Steps between may draw the same classes from nearly the same state.
      if (t == 0 || t >= 4) {
        EXPECT_EQ(same, t >= 4) << "step " << t << ", " << describe(exec);
      }
    }
  }
}

TEST(DreamObserve, RefusesWhatDoesNotFit) {
  ObserveShape shape = every_shape().front();
  shape.deter = 130;
  EXPECT_THROW(PackedObserve(Cpu{}, shape), ConfigError);
  shape.deter = 128;
  PackedObserve packed(Cpu{}, shape);
  EXPECT_THROW(packed.pack(Cpu{}, {}), ShapeError);
  int const f = shape.feature();
  std::vector<float> x(static_cast<std::size_t>(6 * f)), a(18), first(6),
      sums(static_cast<std::size_t>(6 * shape.units));
  std::vector<std::uint32_t> streams(6), tick(1);
  auto const run = [&](int rows, int token_rows) {
    dream_observe(Cpu{}, packed.view(),
                  {{x.data(), 3, f},
                   {a.data(), rows, 3},
                   first,
                   {sums.data(), token_rows, shape.units},
                   {1, streams, tick}},
                  {{x.data(), 6, f}, nullptr});
  };
  EXPECT_THROW(run(5, 6), ShapeError);
  EXPECT_THROW(run(6, 5), ShapeError);
}

}  // namespace
}  // namespace loom
