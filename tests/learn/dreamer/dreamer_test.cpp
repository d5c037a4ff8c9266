#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <kernels/core/thread_pool.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/dreamer/dream.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

Dreamer::Config small() {
  Dreamer::Config c;
  c.units = 8, c.deter = 16, c.blocks = 2, c.groups = 2;
  c.encoder_layers = c.decoder_layers = c.actor_layers = c.critic_layers = 1;
  c.bins = 9;
  c.batch = 3, c.length = 4, c.horizon = 3;
  c.capacity = 400;
  c.train_ratio = 3;
  return c;
}

/// Settings that versions 1 and 2 differ from version 3 by.
Dreamer::Config older(int version, bool discrete) {
  Dreamer::Config c = small();
  c.core = version == 1 ? "reset_after" : "layer_norm";
  c.latents = version == 1 ? "gaussian" : "categorical";
  c.policy = version == 1 ? "tanh_normal" : "truncated_normal";
  c.gaussian = 5, c.unimix = 0;
  c.norm = "none", c.activation = "elu", c.heads = "normal", c.optimiser = "adam";
  c.squash = c.stored_latents = c.online = false;
  c.continues = discrete;
  c.gradient = discrete ? "reinforce" : "dynamics";
  c.rewards = "departure";
  c.replay_loss = c.slow_loss = 0, c.scale_returns = false, c.actor_scale = 1;
  c.returns_from_start = c.slow_targets = version == 2;
  c.slow_rate = 1;
  c.slow_every = 2;
  return c;
}

/// The message of the ConfigError for a configuration; empty if there is none.
std::string refusal(Dreamer::Config const& c, char const* environment = "CartPole") {
  try {
    Dreamer(Exec{Cpu{}}, {.name = environment, .num_envs = 4}, c);
  } catch (ConfigError const& e) {
    return e.what();
  }
  return {};
}

TEST(Dreamer, SaysWhatDoesNotFitTogether) {
  EXPECT_EQ(refusal(small()), "");
  Dreamer::Config c = small();
  c.bins = 10;
  EXPECT_EQ(refusal(c), "dreamer: 10 bins (needs an odd number)");
  c = small();
  c.blocks = 3;
  EXPECT_EQ(refusal(c), "dreamer: deter 16 in 3 blocks (needs a multiple)");
  c = small();
  c.capacity = 19;
  EXPECT_EQ(refusal(c), "replay: 4 records an instance (needs at least one sequence of 5)");
  c = small();
  c.gradient = "dynamics";
  EXPECT_EQ(refusal(c, "Pendulum"), "");
  EXPECT_EQ(refusal(c),
            "dreamer: gradient dynamics needs continuous actions (discrete ones: reinforce)");
  c = small();
  c.policy = "tanh_normal";
  EXPECT_EQ(refusal(c), "");
  EXPECT_EQ(refusal(c, "Pendulum"),
            "dreamer: gradient reinforce of continuous actions needs policy bounded_normal");
  c = small();
  c.returns_from_start = true;
  EXPECT_EQ(refusal(c), "dreamer: returns_from_start needs rewards departure");
  c = older(2, true);
  c.returns_from_start = false;
  EXPECT_EQ(refusal(c),
            "dreamer: gradient reinforce with rewards departure needs returns_from_start");
  c = older(1, false);
  c.horizon = 1;
  EXPECT_EQ(refusal(c, "Pendulum"), "dreamer: rewards departure needs a horizon of 2 or more");
  c.replay_loss = 0.5F;
  EXPECT_EQ(refusal(c, "Pendulum"), "dreamer: rewards departure needs replay_loss 0 (is 0.5)");
}

TEST(Dreamer, SaysWhyItGoesLayerByLayer) {
  auto const note = [](Dreamer::Config const& c) {
    return Dreamer(Exec{Cpu{}}, {.name = "Pendulum", .num_envs = 4}, c).note();
  };
  Dreamer::Config c = small();
  EXPECT_EQ(note(c), "");
  c.norm = "none";
  EXPECT_EQ(note(c),
            "imagines and follows records layer by layer: the one kernel takes core block with "
            "norm rms, the others with none");
  c.imagination = "layers";
  EXPECT_EQ(note(c),
            "follows records layer by layer: the one kernel takes core block with norm rms, the "
            "others with none");
  c.observation = "layers";
  EXPECT_EQ(note(c), "");
}

TEST(Dreamer, SizesAreThePublishedOnes) {
  Dreamer::Config c;
  c.size = "12M";
  c = c.sized();
  EXPECT_EQ(c.units, 256);
  EXPECT_EQ(c.deter, 2048);
  EXPECT_EQ(c.blocks, 8);
  EXPECT_EQ(c.groups, 32);
  EXPECT_EQ(c.classes, 16);
}

TEST(Dreamer, LearnsFromAsManyRecordsAsItsRatioSays) {
  Dreamer::Config c = small();
  c.steps = 2;
  c.prefill = 7;
  Dreamer dreamer(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 4}, c);
  // Three records for each of four instances' steps are one update of 3 x 4; seven steps come first.
  for (int t = 2; t <= 20; t += 2) {
    dreamer.collect();
    dreamer.update();
    EXPECT_EQ(dreamer.env_steps(), 4 * t);
    EXPECT_EQ(dreamer.updates(), std::max(0, t - 7));
  }
}

/// The parameters move and stay finite.
void expect_steps(Exec const& exec, char const* environment, Dreamer::Config const& c) {
  Dreamer dreamer(exec, {.name = environment, .num_envs = 4}, c);
  auto const before = download(exec, In<float>(dreamer.actor().values()));
  for (int t = 0; t < 12; ++t) {
    dreamer.collect();
    dreamer.update();
  }
  EXPECT_GT(dreamer.updates(), 3);
  for (auto const& [name, value] : dreamer.metrics())
    EXPECT_TRUE(std::isfinite(value)) << name << " in " << environment << ", core " << c.core;
  EXPECT_NE(download(exec, In<float>(dreamer.actor().values())), before);
}

TEST(Dreamer, EveryVersionTakesSteps) {
  Dreamer::Config first_revision = small();
  first_revision.gradient = "dynamics";
  for (Exec const& exec : every_exec()) {
    expect_steps(exec, "Pendulum", older(1, false));
    expect_steps(exec, "Pendulum", older(2, false));
    expect_steps(exec, "CartPole", older(2, true));
    expect_steps(exec, "Pendulum", small());
    expect_steps(exec, "CartPole", small());
    expect_steps(exec, "Pendulum", first_revision);
  }
}

Dreamer::Config of_pictures() {
  Dreamer::Config c = small();
  c.pixels = 16, c.depth = 1;
  return c;
}

TEST(Dreamer, SaysWhichPicturesItSees) {
  EXPECT_EQ(refusal(of_pictures()), "");
  Dreamer::Config c = of_pictures();
  c.pixels = 20;
  EXPECT_EQ(refusal(c), "dreamer: 20 pixels a side (needs a multiple of 16)");
  c.pixels = 16, c.kernel = 4;
  EXPECT_EQ(refusal(c), "dreamer: kernel 4 (needs an odd number where images are pooled)");
  c.pixels = 20, c.images = "valid";
  EXPECT_EQ(refusal(c), "dreamer: 20 pixels a side (needs 64 where images are valid)");
  Dreamer dreamer(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 4}, of_pictures());
  std::vector<float> row(4), action(1);
  EXPECT_THROW(dreamer.act({row.data(), 1, 4}, {action.data(), 1, 1}, ActMode::greedy),
               ConfigError);
}

std::string bytes_after(Dreamer& dreamer, int iterations) {
  for (int t = 0; t < iterations; ++t) {
    dreamer.collect();
    dreamer.update();
  }
  Checkpoint file;
  dreamer.save(file);
  return file.bytes();
}

// Of CartPole, whose episodes terminate, and of Pendulum, which is cut; 70 instances are more than one tile.
TEST(Dreamer, OfPicturesContinuesBitForBitAndOnAnyNumberOfThreads) {
  ThreadPool two(2);
  std::vector<Exec> execs = every_exec();
  execs.emplace_back(Cpu{&two});
  for (auto const& [environment, images] :
       {std::pair{"CartPole", "pooled"}, {"Pendulum", "strided"}, {"CartPole", "valid"}}) {
    std::string first;
    Dreamer::Config c = of_pictures();
    c.images = images;
    if (c.images == "valid") c.pixels = 64, c.squash = false, c.kernel = 4;
    c.capacity = 70 * 20, c.train_ratio = 0.05F;
    VectorEnvConfig const env{.name = environment, .num_envs = 70, .seed = 3, .max_steps = 11};
    for (Exec const& exec : execs) {
      Dreamer whole(exec, env, c), again(exec, env, c);
      std::string const half = bytes_after(whole, 12), end = bytes_after(whole, 6);
      EXPECT_GT(whole.updates(), 2);
      again.load(Checkpoint::parse(half, "half"));
      EXPECT_EQ(bytes_after(again, 6), end) << images << " on " << describe(exec);
      for (auto const& [name, value] : whole.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
      // Other machines differ in the last bits.
      if (!on_cpu(exec)) continue;
      if (first.empty()) first = end;
      EXPECT_EQ(end, first) << images << " on " << describe(exec);
    }
  }
}

TEST(Dream, OfPicturesIsWhatWasSeenUntilItBegins) {
  for (Exec const& exec : every_exec()) {
    Dreamer dreamer(exec, {.name = "Pendulum", .num_envs = 4}, of_pictures());
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = 2, .seed = 3});
    DreamReport const r = dream(dreamer, env, 2, 3);
    std::size_t const step = 2 * 16 * 16 * 3;
    ASSERT_EQ(r.observation.size(), 5 * step);
    for (std::size_t i = 0; i < r.dream.size(); ++i) {
      if (i < 3 * step) {
        EXPECT_EQ(r.dream[i], r.reconstruction[i]) << i;
      }
      EXPECT_TRUE(r.dream[i] > 0 && r.dream[i] < 1);
      EXPECT_TRUE(r.observation[i] >= 0 && r.observation[i] <= 1);
    }
  }
}

/// A tensor of its checkpoint after some iterations.
std::vector<float> learned(Exec const& exec, Dreamer::Config const& c, char const* tensor) {
  Dreamer dreamer(exec, {.name = "CartPole", .num_envs = 4}, c);
  for (int t = 0; t < 12; ++t) {
    dreamer.collect();
    dreamer.update();
  }
  EXPECT_GT(dreamer.updates(), 3);
  for (auto const& [name, value] : dreamer.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
  Checkpoint file;
  dreamer.save(file);
  return file.get<float>(tensor);
}

TEST(Dreamer, LearnsFromScaledRewards) {
  for (Exec const& exec : every_exec()) {
    Dreamer::Config c = small();
    c.train_ratio = 1e-6F;  // so that both act alike
    auto const rewards = [&](float scale) {
      c.reward_scale = scale;
      Dreamer dreamer(exec, {.name = "CartPole", .num_envs = 4}, c);
      for (int t = 0; t < 60; ++t) dreamer.collect();
      Checkpoint file;
      dreamer.save(file);
      return file.get<float>("dreamer.replay.reward");
    };
    std::vector<float> const plain = rewards(1), scaled = rewards(1000);
    EXPECT_GT(std::count(plain.begin(), plain.end(), 1.F), 100);
    for (std::size_t k = 0; k < plain.size(); ++k) ASSERT_EQ(scaled[k], 1000 * plain[k]) << k;
  }
}

TEST(Dreamer, WithoutReconstructionNothingMovesTheDecoder) {
  for (Exec const& exec : every_exec()) {
    Dreamer::Config c = small();
    auto const moved = [&](char const* tensor) {
      Dreamer::Config still = c;
      still.train_ratio = 1e-6F;
      Dreamer fresh(exec, {.name = "CartPole", .num_envs = 4}, still);
      Checkpoint file;
      fresh.save(file);
      return file.get<float>(tensor) != learned(exec, c, tensor);
    };
    char const *const decoder = "dreamer.model.decoder.0.weight",
                      *const encoder = "dreamer.model.encoder.0.weight";
    EXPECT_TRUE(moved(decoder));
    c.reconstruction = 0;
    EXPECT_FALSE(moved(decoder));
    EXPECT_TRUE(moved(encoder));
  }
}

TEST(Dreamer, ScalesReturnsOnlyWhereTheyRangeWidely) {
  for (Exec const& exec : every_exec())
    for (float const scale : {1e-3F, 1e3F}) {
      Dreamer::Config c = small();
      c.heads = "normal";  // its predictions soon grow
      c.learning_rate = 3e-2F, c.warm_up = 0;
      c.train_ratio = 40;
      c.reward_scale = scale;
      char const* const tensor = "dreamer.actor.0.weight";
      std::vector<float> const with = learned(exec, c, tensor);
      c.scale_returns = false;
      EXPECT_EQ(learned(exec, c, tensor) == with, scale < 1) << scale;
    }
}

TEST(Dream, IsWhatWasSeenUntilItBegins) {
  for (Exec const& exec : every_exec()) {
    Dreamer dreamer(exec, {.name = "Pendulum", .num_envs = 4}, small());
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = 6, .seed = 3});
    DreamReport const r = dream(dreamer, env, 3, 4);
    std::size_t const step = 6 * 3;
    ASSERT_EQ(r.observation.size(), 7 * step);
    ASSERT_EQ(r.dream.size(), 7 * step);
    for (std::size_t i = 0; i < r.dream.size(); ++i)
      if (i < 4 * step) {
        EXPECT_EQ(r.dream[i], r.reconstruction[i]) << i;
      }
    EXPECT_NE(std::vector<float>(r.dream.end() - 18, r.dream.end()),
              std::vector<float>(r.reconstruction.end() - 18, r.reconstruction.end()));
    for (bool const whole : r.whole) EXPECT_TRUE(whole);
    EXPECT_TRUE(std::isfinite(r.dream_error(6)));
    EXPECT_EQ(r.dream_error(3), r.reconstruction_error(3));
  }
}

}  // namespace
}  // namespace loom
