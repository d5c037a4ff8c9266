#include <kernels/nn/permutation.hpp>
#include <map>
#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

std::vector<std::int32_t> draw(Exec const& exec, std::uint64_t seed, std::uint32_t epoch, int n) {
  auto const word = uploaded(exec, std::vector<std::uint32_t>{epoch});
  Buffer<std::int32_t> index(exec, static_cast<std::size_t>(n));
  visit(exec, [&](auto e) { permutation(e, seed, word, index.out()); });
  return download(index);
}

TEST(Permutation, TakesEveryIndexOnce) {
  std::vector<int> sizes;
  for (int n = 0; n <= 70; ++n) sizes.push_back(n);
  for (int bits = 7; bits <= 16; ++bits)
    for (int n = (1 << bits) - 1; n <= (1 << bits) + 1; ++n) sizes.push_back(n);
  for (int const n : sizes) {
    auto const index = draw(Cpu{}, 5, static_cast<std::uint32_t>(n), n);
    std::vector<bool> seen(static_cast<std::size_t>(n));
    for (int const i : index) {
      ASSERT_TRUE(i >= 0 && i < n) << "n = " << n;
      ASSERT_FALSE(seen[static_cast<std::size_t>(i)]) << "n = " << n << " takes " << i << " twice";
      seen[static_cast<std::size_t>(i)] = true;
    }
  }
}

TEST(Permutation, EveryMachineFindsTheSameOne) {
  for (int const n : {1, 3, 64, 1000, 4097}) {
    auto const want = draw(Cpu{nullptr, 1}, 77, 3, n);
    for (Exec const& exec : every_machine()) EXPECT_EQ(draw(exec, 77, 3, n), want) << "n = " << n;
  }
}

TEST(Permutation, SeedAndEpochChangeIt) {
  auto const first = draw(Cpu{}, 1, 0, 256);
  EXPECT_NE(first, draw(Cpu{}, 1, 1, 256));
  EXPECT_NE(first, draw(Cpu{}, 2, 0, 256));
}

// Over many epochs every index visits every position equally often.
TEST(Permutation, PositionsAreUniform) {
  for (int const n : {2, 3, 4, 5, 7, 8, 11, 16, 33}) {
    auto const size = static_cast<std::size_t>(n);
    int const epochs = 400 * n;
    std::vector<double> counts(size * size);
    for (int e = 0; e < epochs; ++e) {
      auto const index = draw(Cpu{}, 9, static_cast<std::uint32_t>(e), n);
      for (std::size_t p = 0; p < size; ++p)
        ++counts[p * size + static_cast<std::size_t>(index[p])];
    }
    double const statistic = chi_square(counts, std::vector<double>(counts.size(), 400.));
    // (n - 1)^2 degrees of freedom; 4.5 standard deviations of a chi-square that wide.
    double const freedom = double(n - 1) * (n - 1);
    EXPECT_LT(statistic, freedom + 4.5 * std::sqrt(2 * freedom) + 8) << "n = " << n;
  }
}

// Not only single positions: all orders of few elements, and neighbours of many.
TEST(Permutation, OrdersAreUniform) {
  for (int const n : {3, 4}) {
    std::map<std::vector<std::int32_t>, double> seen;
    int const orders = n == 3 ? 6 : 24, epochs = 1000 * orders;
    for (int e = 0; e < epochs; ++e) ++seen[draw(Cpu{}, 21, static_cast<std::uint32_t>(e), n)];
    ASSERT_EQ(static_cast<int>(seen.size()), orders);
    double statistic = 0;
    for (auto const& [order, count] : seen) statistic += (count - 1000) * (count - 1000) / 1000;
    EXPECT_LT(statistic, n == 3 ? 25.7 : 58.6) << "1 in 10^4";
  }
  int const n = 20;
  std::vector<double> pairs(static_cast<std::size_t>(n * n));
  int const epochs = 380 * 100;
  for (int e = 0; e < epochs; ++e) {
    auto const index = draw(Cpu{}, 4, static_cast<std::uint32_t>(e), n);
    ++pairs[static_cast<std::size_t>(index[0] * n + index[1])];
  }
  double statistic = 0;
  for (int i = 0; i < n * n; ++i)
    if (i / n != i % n) {
      double const d = pairs[static_cast<std::size_t>(i)] - 100;
      statistic += d * d / 100;
    }
  EXPECT_LT(statistic, 379 + 4.5 * std::sqrt(2 * 379.));
}

// A long permutation against the serial correlation of its neighbours.
TEST(Permutation, NeighboursAreUncorrelated) {
  int const n = 100000;
  auto const index = draw(Cpu{}, 3, 1, n);
  double const mean = (n - 1) / 2., variance = (double(n) * n - 1) / 12;
  for (int const lag : {1, 2, 64}) {
    double sum = 0;
    for (int i = 0; i + lag < n; ++i)
      sum += (index[static_cast<std::size_t>(i)] - mean) *
             (index[static_cast<std::size_t>(i + lag)] - mean);
    EXPECT_LT(std::abs(sum / n / variance), 4 / std::sqrt(n)) << "lag " << lag;
  }
}

TEST(Permutation, WithAGridNamesThePlacesOfPaddedRows) {
  std::vector<std::uint32_t> const epoch{3};
  std::vector<std::int32_t> plain(21), places(21);  // 3 rows of 7, 64 apart
  permutation(Cpu{}, 5, epoch, plain);
  permutation(Cpu{}, 5, epoch, places, PlaceGrid{7, 64});
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_EQ(places[i], plain[i] / 7 * 64 + plain[i] % 7);
}

TEST(Permutation, SaysWhatDoesNotFit) {
  std::vector<std::uint32_t> const epochs(2);
  std::vector<std::int32_t> index(4);
  EXPECT_THROW(permutation(Cpu{}, 1, epochs, index), ShapeError);
  EXPECT_THROW(permutation(Cpu{}, 1, In<std::uint32_t>(epochs).slice(0, 1), index, PlaceGrid{8, 7}),
               ShapeError);
}

}  // namespace
}  // namespace loom
