#include <kernels/core/buffer.hpp>
#include <kernels/core/thread_pool.hpp>
#include <tests/device.hpp>
#include <tests/kernels/core/block_bodies.hpp>
#include <tests/kernels/nn/mlp_reference.hpp>

namespace loom {
namespace {

using namespace block_test;

struct Network {
  MlpShape shape;
  std::vector<float> parameters;
  PackedMlp packed;

  Network(Exec const& exec, MlpShape const& s, unsigned seed)
      : shape(s), parameters(parameters_of(s, seed)), packed(exec, s) {
    auto const w = uploaded(exec, parameters);
    packed.pack(w.in());
    synchronize(exec);
  }
};

struct Case {
  MlpShape actor, critic;
  int rows, steps;
};

// Between them: every number of columns a warp may take, inside and at the end of both networks.
std::vector<Case> cases() {
  std::vector<Case> all{{{{5, 64, 40, 3}}, {{5, 100, 20, 1}, Activation::relu}, 150, 7},
                        {{{5, 100, 20, 190, 256, 100, 40}}, {{5, 190, 256, 64, 20, 40}}, 300, 2}};
  for (int width : {100, 190, 250}) all.push_back({{{5, width}}, {{5, width}}, 70, 2});
  return all;
}

std::vector<float> initial_state(Case const& c) {
  return normals(static_cast<std::size_t>(padded_to_tile(c.rows)) * kFields, 8);
}

// States, then actions and values: everything the rollout leaves.
std::vector<float> run_rollout(Exec const& exec, Case const& c) {
  Network actor(exec, c.actor, 1), critic(exec, c.critic, 2);
  auto state = uploaded(exec, initial_state(c));
  int const fields = c.steps * (c.actor.outputs() + c.critic.outputs());
  auto record = zeros<float>(exec, static_cast<std::size_t>(padded_to_tile(c.rows)) * fields);
  Rollout const r{actor.packed.view(),
                  critic.packed.view(),
                  c.actor.outputs(),
                  c.critic.outputs(),
                  {state.data(), kFields},
                  {record.data(), fields},
                  c.steps};
  visit(exec, [&](auto e) { rollout(e, c.rows, r); });
  auto all = download(state);
  for (float v : download(record)) all.push_back(v);
  return all;
}

TEST(Block, RolloutsWithActorAndCriticInsideEqualADoubleReference) {
  for (Exec const& exec : every_exec())
    for (Case const& c : cases()) {
      auto all = run_rollout(exec, c), start = initial_state(c);
      int const actions = c.actor.outputs(), values = c.critic.outputs();
      Tiles<float> const state{all.data(), kFields}, begin{start.data(), kFields};
      Tiles<float> const record{all.data() + padded_to_tile(c.rows) * kFields,
                                c.steps * (actions + values)};
      auto const actor = parameters_of(c.actor, 1), critic = parameters_of(c.critic, 2);
      // bf16 policies act on states of their own, but their errors hardly add up: the states
      // contract.
      double const tolerance = on_cpu(exec) ? 2e-5 : 6e-2;
      for (int i = 0; i < c.rows; ++i) {
        double s[kFields];
        for (int f = 0; f < kFields; ++f) s[f] = begin.at(f, i);
        for (int t = 0; t < c.steps; ++t) {
          std::vector<float> x;
          for (double v : {s[0], s[1], std::sin(s[2]), std::cos(s[2]), s[0] * s[1]})
            x.push_back(static_cast<float>(v));
          auto outputs = mlp_reference(c.actor, actor, x);
          for (double v : mlp_reference(c.critic, critic, x)) outputs.push_back(v);
          for (int o = 0; o < actions + values; ++o)
            ASSERT_NEAR(record.at(t * (actions + values) + o, i),
                        outputs[static_cast<std::size_t>(o)], tolerance)
                << "row " << i << " step " << t << " output " << o << " of " << actions << " + "
                << values;
          for (int f = 0; f < kFields; ++f)
            s[f] += 0.1 * (outputs[static_cast<std::size_t>(f)] - s[f]);
        }
        for (int f = 0; f < kFields; ++f) ASSERT_NEAR(state.at(f, i), s[f], tolerance);
      }
    }
}

TEST(Block, BitsDependOnNeitherLanesNorThreads) {
  Case const c = cases().front();
  auto const expected = run_rollout(Cpu{}, c);
  EXPECT_EQ(run_rollout(Cpu{nullptr, 1}, c), expected);
  EXPECT_EQ(run_rollout(Cpu{nullptr, 8}, c), expected);
  ThreadPool pool(2);
  EXPECT_EQ(run_rollout(Cpu{&pool}, c), expected);
}

TEST(Block, SkipConnectionsTwoHeadsAndRowStatisticsEqualADoubleReference) {
  struct Sizes {
    int width, few, many;
  };
  // Each of the three layers in every way that it can be spread.
  for (auto [width, few, many] : {Sizes{20, 5, 70}, Sizes{64, 30, 20}, Sizes{100, 40, 190},
                                  Sizes{190, 100, 250}, Sizes{256, 190, 40}, Sizes{256, 250, 130}})
    for (Exec const& exec : every_exec()) {
      int const rows = 130;  // tiles of 16: more than two multiprocessors hold at once
      Network first(exec, {{width, width}}, 1), head(exec, {{width, few}}, 2),
          second(exec, {{width, many}}, 3);
      auto const x = normals(static_cast<std::size_t>(rows) * width, 4),
                 w = normals(static_cast<std::size_t>(rows) * many, 5);
      auto const x_in = uploaded(exec, x), w_in = uploaded(exec, w);
      Buffer<float> y(exec, static_cast<std::size_t>(rows) * few),
          z(exec, static_cast<std::size_t>(rows) * many);
      Norms const n{first.packed.view(),        head.packed.view(),        second.packed.view(),
                    {x_in.data(), rows, width}, {w_in.data(), rows, many}, {y.data(), rows, few},
                    {z.data(), rows, many}};
      visit(exec, [&](auto e) { norms(e, rows, n); });
      auto u = mlp_reference(first.shape, first.parameters, x);
      for (int r = 0; r < rows; ++r) {
        double* const row = u.data() + static_cast<std::ptrdiff_t>(r) * width;
        double mean = 0, variance = 0;
        for (int c = 0; c < width; ++c) mean += row[c] / width;
        for (int c = 0; c < width; ++c) variance += (row[c] - mean) * (row[c] - mean) / width;
        for (int c = 0; c < width; ++c)
          row[c] = x[static_cast<std::size_t>(r * width + c)] +
                   std::tanh((row[c] - mean) / std::sqrt(variance + 1e-5));
      }
      auto const logits = mlp_reference(head.shape, head.parameters, {u.begin(), u.end()});
      auto const other = mlp_reference(second.shape, second.parameters, x);
      auto const got_y = download(y), got_z = download(z);
      // The GPU rounds x and u to bf16.
      double const tolerance = on_cpu(exec) ? 3e-5 : 5e-2;
      for (int r = 0; r < rows; ++r) {
        double total = 0;
        for (int c = 0; c < few; ++c)
          total += std::exp(logits[static_cast<std::size_t>(r * few + c)]);
        for (int c = 0; c < few; ++c) {
          auto const i = static_cast<std::size_t>(r * few + c);
          ASSERT_NEAR(got_y[i], std::exp(logits[i]) / total, tolerance)
              << "width " << width << " row " << r;
        }
        for (int c = 0; c < many; ++c) {
          auto const i = static_cast<std::size_t>(r * many + c);
          ASSERT_NEAR(got_z[i], other[i] + w[i] + r, tolerance)
              << "width " << width << " row " << r;
        }
      }
    }
}

TEST(Block, ADenseCallOutOfTheTapesOrderIsAnError) {
  Network net(Cpu{}, {{40, 40, 40}}, 1);
  std::vector<float> const x(40);
  EXPECT_THROW(out_of_order(Cpu{}, net.packed.view(), {x.data(), 1, 40}), ShapeError);
}

}  // namespace
}  // namespace loom
