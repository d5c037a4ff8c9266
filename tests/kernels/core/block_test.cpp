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

constexpr int kRows = 150, kSteps = 7;
MlpShape const kActor{{kObservation, 64, 40, kActions}};
MlpShape const kCritic{{kObservation, 100, 20, 1}, Activation::relu};

std::vector<float> initial_state() {
  return normals(static_cast<std::size_t>(padded_to_tile(kRows)) * kFields, 8);
}

// States, then actions and values: everything the rollout leaves.
std::vector<float> run_rollout(Exec const& exec) {
  Network actor(exec, kActor, 1), critic(exec, kCritic, 2);
  auto state = uploaded(exec, initial_state());
  int const fields = kSteps * (kActions + 1);
  auto record = zeros<float>(exec, static_cast<std::size_t>(padded_to_tile(kRows)) * fields);
  Rollout const r{actor.packed.view(),
                  critic.packed.view(),
                  {state.data(), kFields},
                  {record.data(), fields},
                  kSteps};
  visit(exec, [&](auto e) { rollout(e, kRows, r); });
  auto all = download(state);
  for (float v : download(record)) all.push_back(v);
  return all;
}

TEST(Block, ARolloutWithActorAndCriticInsideEqualsADoubleReference) {
  for (Exec const& exec : every_exec()) {
    auto all = run_rollout(exec);
    int const fields = kSteps * (kActions + 1);
    Tiles<float> const state{all.data(), kFields};
    Tiles<float> const record{all.data() + padded_to_tile(kRows) * kFields, fields};
    auto start = initial_state();
    auto const actor = parameters_of(kActor, 1), critic = parameters_of(kCritic, 2);
    // bf16 policies act on their own states, so their error stays of the size of one pass.
    double const tolerance = on_cpu(exec) ? 2e-5 : 5e-2;
    for (int i = 0; i < kRows; ++i) {
      double s[kFields];
      for (int f = 0; f < kFields; ++f) s[f] = Tiles<float>{start.data(), kFields}.at(f, i);
      for (int t = 0; t < kSteps; ++t) {
        std::vector<float> x;
        for (double v : {s[0], s[1], std::sin(s[2]), std::cos(s[2]), s[0] * s[1]})
          x.push_back(static_cast<float>(v));
        auto const action = mlp_reference(kActor, actor, x),
                   value = mlp_reference(kCritic, critic, x);
        for (int f = 0; f < kFields; ++f) {
          ASSERT_NEAR(record.at(t * (kActions + 1) + f, i), action[static_cast<std::size_t>(f)],
                      tolerance)
              << "row " << i << " step " << t;
          s[f] += 0.1 * (action[static_cast<std::size_t>(f)] - s[f]);
        }
        ASSERT_NEAR(record.at(t * (kActions + 1) + kActions, i), value[0], tolerance)
            << "row " << i << " step " << t;
      }
      for (int f = 0; f < kFields; ++f) ASSERT_NEAR(state.at(f, i), s[f], tolerance);
    }
  }
}

TEST(Block, BitsDependOnNeitherLanesNorThreads) {
  auto const expected = run_rollout(Cpu{});
  EXPECT_EQ(run_rollout(Cpu{nullptr, 1}), expected);
  EXPECT_EQ(run_rollout(Cpu{nullptr, 8}), expected);
  ThreadPool pool(2);
  EXPECT_EQ(run_rollout(Cpu{&pool}), expected);
}

TEST(Block, SkipConnectionsTwoHeadsAndRowStatisticsEqualADoubleReference) {
  for (int width : {20, 100, 256})
    for (Exec const& exec : every_exec()) {
      int const rows = 37, few = 5, many = 70;
      Network first(exec, {{width, width}}, 1), head(exec, {{width, few}}, 2),
          second(exec, {{width, many}}, 3);
      auto const x = normals(static_cast<std::size_t>(rows) * width, 4),
                 w = normals(std::size_t{37} * 70, 5);
      auto const x_in = uploaded(exec, x), w_in = uploaded(exec, w);
      Buffer<float> y(exec, std::size_t{37} * 5), z(exec, std::size_t{37} * 70);
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
