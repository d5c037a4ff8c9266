// scan, select and sort: whole numbers, so every machine gives the same result.
#include <algorithm>
#include <kernels/core/buffer.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/scan.hpp>
#include <kernels/linalg/select.hpp>
#include <kernels/linalg/sort.hpp>
#include <numeric>
#include <random>
#include <tests/device.hpp>

namespace loom {
namespace {

template <class Size>
Buffer<std::uint8_t> workspace_for(Exec const& exec, Size const& size) {
  return {exec, visit(exec, size)};
}

TEST(Scan, IsThePrefixSum) {
  std::mt19937 engine(3);
  for (Exec const& exec : every_exec())
    for (int const n : {0, 1, 31, 1000, 20011}) {
      std::vector<std::int32_t> x(static_cast<std::size_t>(n)), expected(x.size());
      for (auto& v : x) v = static_cast<std::int32_t>(engine() % 2000) - 1000;
      std::exclusive_scan(x.begin(), x.end(), expected.begin(), 0);
      auto values = uploaded(exec, x);
      auto workspace = workspace_for(exec, [&](auto e) { return scan_workspace(e, n); });
      visit(exec, [&](auto e) { exclusive_scan(e, values.in(), values.out(), workspace.out()); });
      EXPECT_EQ(download(values), expected) << n;
    }
}

TEST(Select, ListsTheSetFlagsInOrder) {
  std::mt19937 engine(4);
  for (Exec const& exec : every_exec())
    for (int const n : {0, 1, 63, 5003})
      for (unsigned const one_in : {1, 2, 100, 1000000}) {
        std::vector<std::uint8_t> flags(static_cast<std::size_t>(n));
        std::vector<std::int32_t> expected;
        for (std::size_t i = 0; i < flags.size(); ++i) {
          // Any byte but 0 counts as set.
          flags[i] = engine() % one_in == 0 ? static_cast<std::uint8_t>(1 + engine() % 255)
                                            : std::uint8_t{0};
          if (flags[i] != 0) expected.push_back(static_cast<std::int32_t>(i));
        }
        auto const input = uploaded(exec, flags);
        auto indices = zeros<std::int32_t>(exec, flags.size());
        auto count = zeros<std::int32_t>(exec, 1);
        auto workspace = workspace_for(exec, [&](auto e) { return select_workspace(e, n); });
        visit(exec, [&](auto e) {
          select_indices(e, input.in(), indices.out(), count.out(), workspace.out());
        });
        ASSERT_EQ(download(count)[0], static_cast<std::int32_t>(expected.size()))
            << n << ", one in " << one_in;
        auto got = download(indices);
        got.resize(expected.size());
        ASSERT_EQ(got, expected) << n << ", one in " << one_in;
      }
}

struct Sorted {
  std::vector<std::uint32_t> keys;
  std::vector<std::int32_t> values;
  bool operator==(Sorted const&) const = default;
};

Sorted sorted(Exec const& exec, Sorted const& pairs, int bits) {
  int const n = static_cast<int>(pairs.keys.size());
  auto const keys = uploaded(exec, pairs.keys);
  auto const values = uploaded(exec, pairs.values);
  Buffer<std::uint32_t> sorted_keys(exec, pairs.keys.size());
  Buffer<std::int32_t> sorted_values(exec, pairs.keys.size());
  auto workspace = workspace_for(exec, [&](auto e) { return sort_workspace(e, n); });
  visit(exec, [&](auto e) {
    sort_pairs(e, keys.in(), values.in(), sorted_keys.out(), sorted_values.out(), workspace.out(),
               bits);
  });
  return {download(sorted_keys), download(sorted_values)};
}

Sorted random_pairs(std::size_t n, std::uint32_t range) {
  std::mt19937 engine(5);
  Sorted pairs{std::vector<std::uint32_t>(n), std::vector<std::int32_t>(n)};
  for (auto& k : pairs.keys)
    k = range == 0 ? static_cast<std::uint32_t>(engine()) : engine() % range;
  std::iota(pairs.values.begin(), pairs.values.end(), 0);
  return pairs;
}

Sorted expected_order(Sorted const& pairs, int bits) {
  std::uint32_t const mask = bits == 32 ? ~0U : (1U << bits) - 1;
  Sorted expected{{}, pairs.values};
  std::stable_sort(expected.values.begin(), expected.values.end(), [&](auto a, auto b) {
    return (pairs.keys[static_cast<std::size_t>(a)] & mask) <
           (pairs.keys[static_cast<std::size_t>(b)] & mask);
  });
  for (auto v : expected.values) expected.keys.push_back(pairs.keys[static_cast<std::size_t>(v)]);
  return expected;
}

TEST(Sort, IsStableForAnyNumberOfBits) {
  for (Exec const& exec : every_exec())
    for (std::size_t const n : {0, 1, 2, 1000, 5003})
      for (std::uint32_t const range : {0U, 5U})
        for (int const bits : {1, 8, 11, 24, 32}) {
          auto const pairs = random_pairs(n, range);
          ASSERT_EQ(sorted(exec, pairs, bits), expected_order(pairs, bits))
              << n << " pairs, " << bits << " bits";
        }
}

TEST(Sort, DoesNotDependOnThreads) {
  ThreadPool pool(3);
  auto const pairs = random_pairs(100001, 1000);
  auto const expected = expected_order(pairs, 32);
  EXPECT_EQ(sorted(Cpu{&pool}, pairs, 32), expected);
  EXPECT_EQ(sorted(Cpu{}, pairs, 32), expected);
}

TEST(Order, CanBeCaptured) {
  for (Exec const& exec : every_exec()) {
    int const n = 300;
    auto const pairs = random_pairs(static_cast<std::size_t>(n), 100);
    auto const keys = uploaded(exec, pairs.keys);
    auto const values = uploaded(exec, pairs.values);
    Buffer<std::uint32_t> sorted_keys(exec, pairs.keys.size());
    Buffer<std::int32_t> sorted_values(exec, pairs.keys.size()), prefix(exec, pairs.keys.size());
    auto sort_space = workspace_for(exec, [&](auto e) { return sort_workspace(e, n); });
    auto scan_space = workspace_for(exec, [&](auto e) { return scan_workspace(e, n); });
    Graph graph(exec, [&](Exec const& inside) {
      visit(inside, [&](auto e) {
        sort_pairs(e, keys.in(), values.in(), sorted_keys.out(), sorted_values.out(),
                   sort_space.out());
        exclusive_scan(e, sorted_values.in(), prefix.out(), scan_space.out());
      });
    });
    for (int round = 0; round < 3; ++round) graph.launch();
    auto const expected = expected_order(pairs, 32);
    EXPECT_EQ(download(sorted_values), expected.values);
    std::vector<std::int32_t> sums(expected.values.size());
    std::exclusive_scan(expected.values.begin(), expected.values.end(), sums.begin(), 0);
    EXPECT_EQ(download(prefix), sums);
  }
}

TEST(Order, RefusesSizesThatDoNotFit) {
  std::vector<std::uint32_t> keys(4);
  std::vector<std::int32_t> values(4), three(3);
  std::vector<std::uint8_t> none, flags(4);
  EXPECT_THROW(sort_pairs(Cpu{}, keys, values, keys, three, none), ShapeError);
  EXPECT_THROW(sort_pairs(Cpu{}, keys, values, keys, values, none), ShapeError);
  EXPECT_THROW(exclusive_scan(Cpu{}, values, three, none), ShapeError);
  EXPECT_THROW(select_indices(Cpu{}, flags, three, Out<std::int32_t>(values.data(), 1), none),
               ShapeError);
}

}  // namespace
}  // namespace loom
