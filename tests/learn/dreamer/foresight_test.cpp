#include <gtest/gtest.h>

#include <cmath>
#include <learn/dreamer/foresight.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

/// Of four instances with one number each, three come to 0 and one to 8.
Foresight example(std::vector<float> const& foreseen) {
  Foresight f;
  f.instances = 4, f.fields = 1, f.latent = 1;
  f.samples = static_cast<int>(foreseen.size());
  f.observation = {0, 8, 0, 0};
  for (int i = 0; i < 4; ++i) f.foreseen.insert(f.foreseen.end(), foreseen.begin(), foreseen.end());
  return f;
}

TEST(Foresight, FindsTheModesAndHowOftenTheyCome) {
  Modes const m = modes_of(example({0}));
  ASSERT_EQ(m.at.size(), 2U);
  EXPECT_EQ(m.at[0][0], 0);
  EXPECT_EQ(m.at[1][0], 8);
  EXPECT_EQ(m.share, (std::vector<double>{0.75, 0.25}));
  EXPECT_EQ(m.of, (std::vector<int>{0, 1, 0, 0}));
  EXPECT_EQ(m.apart, 8);
}

TEST(Foresight, IsPerfectWhereDrawsAreTheModesInTheirShares) {
  Foresight const f = example({0, 0, 8, 0});
  ForesightScore const s = score(f, modes_of(f));
  EXPECT_NEAR(s.share[0], 0.75, 1e-12);
  EXPECT_NEAR(s.share[1], 0.25, 1e-12);
  EXPECT_NEAR(s.neither, 0, 1e-12);
  EXPECT_NEAR(s.coverage, 1, 1e-12);
  EXPECT_NEAR(s.log_likelihood, 0, 1e-12);
}

TEST(Foresight, MissesAModeThatIsNeverDrawn) {
  // The density of 8 under draws at 0 is exp(-8^2 / 2), that of one who knows 1/4.
  Foresight const f = example({0, 0});
  ForesightScore const s = score(f, modes_of(f));
  EXPECT_NEAR(s.coverage, 0.5, 1e-12);
  EXPECT_NEAR(s.neither, 0, 1e-12);
  double const known = 0.75 + 0.25 * std::exp(-32), rare = 0.25 + 0.75 * std::exp(-32);
  EXPECT_NEAR(s.log_likelihood, 0.75 * -std::log(known) + 0.25 * (-32 - std::log(rare)), 1e-12);
}

TEST(Foresight, CallsWhatLiesBetweenNeither) {
  // Within two of a mode is near it.
  Foresight const f = example({2, 2.125F, 4, 6});
  ForesightScore const s = score(f, modes_of(f));
  EXPECT_NEAR(s.neither, 0.5, 1e-12);
  EXPECT_NEAR(s.share[0], 0.25, 1e-12);
  EXPECT_NEAR(s.share[1], 0.25, 1e-12);
  EXPECT_NEAR(s.coverage, 0.5, 1e-12);  // 0 gets a quarter, and three quarters are due
}

TEST(Foresight, NeedsAStepWithAFewModes) {
  Foresight f = example({0});
  f.observation = {1, 1, 1, 1};
  EXPECT_THROW(modes_of(f), ConfigError);
  f.instances = 17;
  f.observation.clear();
  for (int i = 0; i < 17; ++i) f.observation.push_back(static_cast<float>(i));
  EXPECT_THROW(modes_of(f), ConfigError);
}

TEST(Foresight, OfAnUntrainedModelIsTheStepWhereTheDotTurns) {
  Dreamer::Config c;
  c.units = 8, c.deter = 16, c.blocks = 2, c.groups = 2;
  c.encoder_layers = c.decoder_layers = c.actor_layers = c.critic_layers = 1;
  c.bins = 9, c.batch = 3, c.length = 4, c.horizon = 3, c.capacity = 400;
  for (char const* const latents : {"categorical", "gaussian"}) {
    c.latents = latents;
    for (Exec const& exec : every_exec()) {
      Dreamer dreamer(exec, {.name = "Crossroads", .num_envs = 4}, c);
      auto const played = [&](int context) {
        VectorEnv env(exec, {.name = "Crossroads", .num_envs = 32});
        return foresee(dreamer, env, context, 3);
      };
      Foresight const f = played(4);
      EXPECT_EQ(f.observation.size(), 32U * 35);
      EXPECT_EQ(f.foreseen.size(), 32U * 3 * 35);
      EXPECT_EQ(f.prior.size(), 32U * 3 * static_cast<std::size_t>(f.latent));
      EXPECT_EQ(f.posterior.size(), 32U * static_cast<std::size_t>(f.latent));
      Modes const m = modes_of(f);
      ASSERT_EQ(m.at.size(), 2U);
      EXPECT_EQ(m.at[0][2] + m.at[0][4], 1);
      EXPECT_EQ(m.at[1][2] + m.at[1][4], 1);
      EXPECT_NEAR(m.apart, std::sqrt(2), 1e-6);
      // Draws of one instance differ, and instances that saw the same draw their own.
      auto const latent = static_cast<std::ptrdiff_t>(f.latent);
      std::vector<float> const all = f.prior;
      int different = 0;
      for (std::ptrdiff_t i = 0; i < 95; ++i)
        different += !std::equal(all.begin() + i * latent, all.begin() + (i + 1) * latent,
                                 all.begin() + (i + 1) * latent);
      EXPECT_GT(different, 60);
      EXPECT_THROW(modes_of(played(3)), ConfigError);  // all still in the corridor
      EXPECT_THROW(played(6), ConfigError);            // its seventh step ends the episode
    }
  }
}

}  // namespace
}  // namespace loom
