#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

TEST(Randomise, HoldsFromTheNextEpisodeOn) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "CartPole",
                         .num_envs = 100,
                         .parameters = {{"force", Distribution::fixed, 12, 0}}});
    env.randomise({{"gravity", Distribution::uniform, 5, 7}});
    for (float const v : env.host_parameter("gravity")) EXPECT_EQ(v, 9.8F) << "a running episode";
    env.reset();
    for (float const v : env.host_parameter("gravity")) {
      EXPECT_GE(v, 5);
      EXPECT_LT(v, 7);
    }
    for (float const v : env.host_parameter("force")) EXPECT_EQ(v, 12) << "was not named";
    env.randomise({{"gravity", Distribution::fixed, 3, 0}});
    while (env.statistics().instances_finished < 100) env.step_random();
    for (float const v : env.host_parameter("gravity")) EXPECT_EQ(v, 3) << "after its own reset";
  }
}

TEST(Randomise, GivesTheBitsOfABatchMadeThatWay) {
  VectorEnvConfig config{.name = "CartPole",
                         .num_envs = 64,
                         .seed = 9,
                         .parameters = {{"gravity", Distribution::normal, 10, 2},
                                        {"force", Distribution::log_uniform, 5, 20}}};
  VectorEnv const made(Exec{Cpu{}}, config);
  VectorEnv changed(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64, .seed = 9});
  changed.randomise(config.parameters);
  changed.reset();
  EXPECT_EQ(changed.host_memory(), made.host_memory());
}

TEST(Randomise, ChangesAllOrNothing) {
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 64});
  EXPECT_THROW(env.randomise({{"gravity", Distribution::fixed, 5, 0},
                              {"force", Distribution::uniform, 5, 500}}),
               ConfigError);
  EXPECT_THROW(env.randomise({{"gravty", Distribution::fixed, 5, 0}}), ConfigError);
  env.reset();
  for (float const v : env.host_parameter("gravity")) EXPECT_EQ(v, 9.8F);
  EXPECT_TRUE(env.config().parameters.empty());
}

}  // namespace
}  // namespace loom
