#include <gtest/gtest.h>
#include <learn/core/algorithm.hpp>
#include <tests/learn/core/scratch.hpp>

#include <algorithm>

namespace loom {
namespace {

TEST(AlgorithmRegistry, ListsEveryAlgorithmOnceSortedByName) {
  auto const entries = algorithms();
  EXPECT_TRUE(std::is_sorted(entries.begin(), entries.end(), [](auto const* a, auto const* b) {
    return a->name <= b->name;  // equal names would be out of order
  }));
  for (AlgorithmEntry const* entry : entries) EXPECT_EQ(&find_algorithm(entry->name), entry);
}

TEST(AlgorithmRegistry, GivesFreshDefaultsEveryTime) {
  for (AlgorithmEntry const* entry : algorithms()) {
    auto one = entry->prepare(), two = entry->prepare();
    ASSERT_FALSE(one.keys.keys().empty()) << entry->name;
    EXPECT_NE(one.config, two.config) << entry->name;
    EXPECT_EQ(one.keys.toml(), two.keys.toml()) << entry->name;
  }
}

TEST(AlgorithmRegistry, NamesTheAlgorithmsWhenNoneIsMeant) {
  std::string const message = message_of<ConfigError>([] { find_algorithm("sarsa-lambda"); });
  EXPECT_EQ(message.find("unknown algorithm \"sarsa-lambda\" (there "), 0U) << message;
}

}  // namespace
}  // namespace loom
