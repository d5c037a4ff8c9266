#include <kernels/nn/running_norm.hpp>
#include <limits>
#include <tests/fixture.hpp>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

/// Row-major samples [steps * instances][fields] as tiles; what fills up the last tile is NaN.
std::vector<float> tiles_of(std::vector<float> const& rows, int steps, int instances, int fields) {
  int const padded = padded_to_tile(instances);
  std::vector<float> x(static_cast<std::size_t>(steps * padded * fields), std::nanf(""));
  for (int t = 0; t < steps; ++t)
    for (int i = 0; i < instances; ++i)
      for (int o = 0; o < fields; ++o)
        x[static_cast<std::size_t>(((t * padded + i / 64 * 64) * fields) + o * 64 + i % 64)] =
            rows[static_cast<std::size_t>((t * instances + i) * fields + o)];
  return x;
}

struct Moments {
  std::vector<float> mean, variance, inverse_deviation;
  std::uint64_t count;
};

Moments moments_of(Exec const& exec, RunningNorm& norm) {
  auto const m = norm.moments();
  return {download<float>(exec, m.mean), download<float>(exec, m.variance),
          download<float>(exec, m.inverse_deviation), download<std::uint64_t>(exec, m.count)[0]};
}

TEST(RunningNorm, FollowsTorchBatchByBatch) {
  Fixture const f("torch/running_moments");
  for (Exec const& exec : every_machine()) {
    RunningNorm norm(exec, 5);
    for (int b = 0; b < 4; ++b) {
      std::string const index = std::to_string(b);
      auto const rows = f.floats("batch" + index);
      int const n = static_cast<int>(f.shape("batch" + index)[0]);
      auto const x = uploaded(exec, tiles_of(rows, 1, n, 5));
      norm.update(exec, 1, n, x);
      auto const got = moments_of(exec, norm);
      EXPECT_EQ(static_cast<double>(got.count), f.scalar("count" + index));
      auto const mean = f.vector("mean" + index), variance = f.vector("variance" + index);
      for (std::size_t o = 0; o < 5; ++o) {
        EXPECT_NEAR(got.mean[o], mean[o], 1e-6 * std::abs(mean[o]) + 1e-6 * std::sqrt(variance[o]))
            << "batch " << b << ", column " << o;
        // Means of slabs are rounded; merging multiplies that by the distance between them.
        double const rounding = 2e-7 * std::abs(mean[o]) * std::sqrt(variance[o]);
        EXPECT_NEAR(got.variance[o], variance[o], 5e-6 * variance[o] + rounding)
            << "batch " << b << ", column " << o;
      }
    }
  }
}

// Instances that only fill up a tile hold NaN: one of them would show.
TEST(RunningNorm, CountsRealInstancesOfEveryStep) {
  int const steps = 7, instances = 130, fields = 3;
  auto const rows = normal_numbers(std::size_t{7} * 130 * 3, 2, 3, 1);
  std::vector<double> mean(3), variance(3);
  double const n = steps * instances;
  for (std::size_t i = 0; i < rows.size(); ++i) mean[i % 3] += rows[i] / n;
  for (std::size_t i = 0; i < rows.size(); ++i)
    variance[i % 3] += (rows[i] - mean[i % 3]) * (rows[i] - mean[i % 3]) / n;
  Moments want;
  for (Exec const& exec : every_machine()) {
    RunningNorm norm(exec, fields);
    auto const x = uploaded(exec, tiles_of(rows, steps, instances, fields));
    norm.update(exec, steps, instances, x);
    auto const got = moments_of(exec, norm);
    for (std::size_t o = 0; o < 3; ++o) {
      EXPECT_NEAR(got.mean[o], mean[o], 1e-6);
      EXPECT_NEAR(got.variance[o], variance[o], 1e-5);
      EXPECT_NEAR(got.inverse_deviation[o], 1 / std::sqrt(variance[o]), 1e-6);
    }
    if (want.mean.empty()) want = got;
    EXPECT_EQ(got.mean, want.mean) << "bits";
    EXPECT_EQ(got.variance, want.variance) << "bits";
  }
}

TEST(RunningNorm, ManySlabsHaveTheSameBitsEverywhere) {
  int const instances = 192, fields = 700;  // one slab a field of 120 pairs
  for (int const o : {2, fields}) {
    int const steps = o == fields ? 40 : 640;  // 120 slabs: work for all lanes of the last fold
    auto const x_host = normal_numbers(static_cast<std::size_t>(steps * instances * o), 0, 1, 3);
    Moments want;
    ThreadPool pool(2);
    auto all = every_exec();
    all.emplace_back(Cpu{&pool});
    for (Exec const& exec : all) {
      RunningNorm norm(exec, o);
      auto const x = uploaded(exec, x_host);
      norm.update(exec, steps, instances, x);
      norm.update(exec, steps, instances, x);
      auto const got = moments_of(exec, norm);
      if (want.mean.empty()) want = got;
      EXPECT_EQ(got.mean, want.mean);
      EXPECT_EQ(got.variance, want.variance);
      EXPECT_EQ(got.count, std::uint64_t{2} * 192 * steps);
    }
  }
}

// After 10^9 samples a batch moves the mean by less than its last digit: the sum must not stand still.
TEST(RunningNorm, KeepsMovingAfterABillionSamples) {
  RunningNorm norm(Cpu{}, 1);
  auto const m = norm.moments();
  m.count[0] = 1000000000;
  m.mean[0] = 1.F;
  m.variance[0] = 1.F;
  std::vector<float> const x(64, 3.F);
  int const batches = 20000;
  double mean = 1, variance = 1, count = 1e9;
  for (int b = 0; b < batches; ++b) {
    norm.update(Cpu{}, 1, 64, x);
    count += 64;
    double const weight = 64 / count, d = 3 - mean;
    mean += d * weight;
    variance += (0 - variance + d * d * (1 - weight)) * weight;
  }
  EXPECT_EQ(m.count[0], static_cast<std::uint64_t>(count));
  EXPECT_NEAR(m.mean[0] - 1, mean - 1, 2e-7) << "moved by " << mean - 1;
  EXPECT_NEAR(m.variance[0] - 1, variance - 1, 4e-7) << "moved by " << variance - 1;
}

TEST(RunningNorm, NormalisesAndClips) {
  for (Exec const& exec : every_machine()) {
    RunningNorm norm(exec, 2, 5.F);
    auto const x = uploaded(exec, std::vector<float>{1, 2, 100, -100, 3, 2.5F});
    Buffer<float> y(exec, 6);
    norm.apply(exec, {x.data(), 3, 2}, {y.data(), 3, 2});
    EXPECT_EQ(download(y), (std::vector<float>{1, 2, 5, -5, 3, 2.5F})) << "identity before data";
    auto const m = norm.moments();
    upload<float>(exec, std::vector<float>{1, 2}, m.mean);
    upload<float>(exec, std::vector<float>{0.5F, 4}, m.inverse_deviation);
    norm.apply(exec, {x.data(), 3, 2}, {y.data(), 3, 2});
    EXPECT_EQ(download(y), (std::vector<float>{0, 0, 5, -5, 1, 2}));
    // The same in tiles.
    std::vector<float> tile(4 * 64);
    for (std::size_t i = 0; i < tile.size(); ++i)
      tile[i] = static_cast<float>(i / 64 % 2) + 0.01F * static_cast<float>(i % 64);
    auto const t = uploaded(exec, tile);
    Buffer<float> z(exec, tile.size());
    visit(exec, [&](auto e) {
      normalise_tiles(e, t, norm.mean(), norm.inverse_deviation(), 5.F, z.out());
    });
    auto const got = download(z);
    for (std::size_t i = 0; i < tile.size(); ++i)
      EXPECT_EQ(got[i], i / 64 % 2 == 0 ? (tile[i] - 1) * 0.5F : (tile[i] - 2) * 4);
  }
}

TEST(RunningNorm, DiscountedReturnsBeginAgainAfterAnEpisode) {
  int const steps = 6, n = 64;
  auto const reward = normal_numbers(6 * 64, 1, 1, 2);
  std::vector<std::uint8_t> terminated(6 * 64), truncated(6 * 64);
  terminated[2 * 64 + 3] = 1;
  truncated[3 * 64 + 4] = 1;
  for (Exec const& exec : every_machine()) {
    auto const r = uploaded(exec, reward);
    auto const over = uploaded(exec, terminated), cut = uploaded(exec, truncated);
    auto running = zeros<float>(exec, 64);
    Buffer<float> returns(exec, 6 * 64);
    std::vector<double> sum(64);
    for (int call = 0; call < 2; ++call) {
      visit(exec, [&](auto e) {
        discounted_return(e, steps, 0.9F, r, over, cut, running.out(), returns.out());
      });
      auto const got = download(returns);
      for (std::size_t t = 0; t < 6; ++t)
        for (std::size_t i = 0; i < 64; ++i) {
          sum[i] = double(0.9F) * sum[i] + reward[t * 64 + i];
          EXPECT_NEAR(got[t * 64 + i], sum[i], 2e-6) << "step " << t << ", instance " << i;
          if (terminated[t * 64 + i] || truncated[t * 64 + i]) sum[i] = 0;
        }
    }
    EXPECT_EQ(n, 64);
  }
}

TEST(RunningNorm, SaysWhatDoesNotFit) {
  RunningNorm norm(Cpu{}, 2);
  std::vector<float> const x(128);
  EXPECT_NO_THROW(norm.update(Cpu{}, 1, 33, x));
  EXPECT_THROW(norm.update(Cpu{}, 1, 65, x), ShapeError);
  EXPECT_THROW(norm.update(Cpu{}, 1, 0, x), ShapeError);
  EXPECT_THROW(RunningNorm(Cpu{}, 0), ShapeError);
}

}  // namespace
}  // namespace loom
