// The fuzz targets on their seeds and on a few thousand fixed damages: what tools/fuzz has cleared stays clear.
#include <gtest/gtest.h>

#include <tests/fuzz/mutate.hpp>
#include <tests/fuzz/targets.hpp>

namespace loom {
namespace {

class Readers : public testing::TestWithParam<std::string> {
 protected:
  static FuzzTarget const& target() {
    for (FuzzTarget const& t : fuzz_targets())
      if (t.name == GetParam()) return t;
    throw Fault("no such target");
  }
};

std::string fault_of(FuzzTarget const& target, std::string const& bytes) {
  try {
    target.read(bytes);
    return "";
  } catch (std::exception const& e) {
    return e.what();
  }
}

TEST_P(Readers, TakeEverySeed) {
  for (std::string const& seed : target().seeds) EXPECT_EQ(fault_of(target(), seed), "");
}

TEST_P(Readers, TakeOrRefuseWhateverIsDamaged) {
  FuzzTarget const& t = target();
  Mutator mutator(t.seeds, t.words, 1);
  bool const slow = t.name == "run" || t.name == "learner" || t.name == "metrics";
  for (int i = 0; i < (slow ? 500 : 3000); ++i) {
    std::string const bytes = mutator.next();
    std::string const fault = fault_of(t, bytes);
    ASSERT_EQ(fault, "") << "damage " << i << " of " << bytes.size() << " bytes:\n"
                         << bytes.substr(0, 2000);
  }
}

// A target that refuses its own seeds would test nothing behind the refusal.
TEST(Seeds, AreRunsThatGoOn) {
  for (SmallRun const& run : small_runs()) {
    EXPECT_TRUE(is_small(make_recipe(run.recipe, "recipe", {}))) << run.recipe;
    Checkpoint const file = Checkpoint::parse(with_right_checksum(run.checkpoint), "file");
    std::unique_ptr<Algorithm> const learner = run.make();
    learner->load(file);
    std::int64_t const before = learner->env_steps();
    EXPECT_GT(before, 0);
    learner->collect();
    EXPECT_GT(learner->env_steps(), before);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Readers,
                         testing::Values("recipe", "overrides", "checkpoint", "learner", "run",
                                         "metrics"),
                         [](auto const& info) { return info.param; });

}  // namespace
}  // namespace loom
