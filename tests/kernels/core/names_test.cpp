#include <gtest/gtest.h>

#include <kernels/core/names.hpp>

namespace loom {
namespace {

TEST(UnknownName, SuggestsOrLists) {
  std::vector<std::string> const names{"CartPole", "Pendulum"};
  EXPECT_EQ(unknown_name("environment", "cartpol", names),
            "unknown environment \"cartpol\" (did you mean \"CartPole\"?)");
  EXPECT_EQ(unknown_name("environment", "Ant", names),
            "unknown environment \"Ant\" (there are: CartPole, Pendulum)");
  EXPECT_EQ(unknown_name("recipe", "a\nb", {}), "unknown recipe \"a?b\" (there is none)");
  EXPECT_EQ(nearest("", names), "");
}

}  // namespace
}  // namespace loom
