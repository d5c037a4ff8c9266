#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/error.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

std::string message_of(auto const& f) {
  try {
    f();
  } catch (Error const& e) {
    return e.what();
  }
  return "no error";
}

TEST(VectorEnv, NamesWhatItCannotUse) {
  auto make = [](VectorEnvConfig c) { return [c] { VectorEnv(Exec{Cpu{}}, c); }; };
  EXPECT_NE(message_of(make({.name = "CartPol"})).find("CartPole"), std::string::npos);
  EXPECT_NE(message_of(make({.name = "CartPole", .num_envs = 0})).find("needs 1 or more"),
            std::string::npos);
  EXPECT_NE(
      message_of(make({.name = "CartPole", .parameters = {{"gravty", Distribution::fixed, 1, 0}}}))
          .find("gravity"),
      std::string::npos);
  EXPECT_EQ(message_of(make(
                {.name = "CartPole", .parameters = {{"gravity", Distribution::uniform, 5, 99}}})),
            "CartPole.gravity: the upper end is 99 (allowed: 0.1 to 30 m/s^2)");
  EXPECT_EQ(message_of(make(
                {.name = "CartPole", .parameters = {{"gravity", Distribution::uniform, 9, 5}}})),
            "CartPole.gravity: range from 9 to 5 is upside down");
}

TEST(VectorEnv, ResetsInTheStepThatEndsAnEpisode) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "CartPole", .num_envs = 3});
    // Instance 1 stands at the edge and moves outwards: it ends; the others go on.
    env.set_state({0, 0, 0, 0, 2.399F, 5, 0, 0, 0, 0, 0.01F, 0});
    env.set_actions({1, 1, 0});
    env.step();
    std::vector<std::uint8_t> const terminated = download(exec, env.terminated());
    EXPECT_EQ(terminated[0], 0);
    EXPECT_EQ(terminated[1], 1);
    EXPECT_EQ(terminated[2], 0);
    std::vector<float> last = download(exec, env.final_observation());
    EXPECT_NEAR((Tiles<float>{last.data(), 4}.at(0, 1)), 2.399F + 0.02F * 5, 1e-6F);
    std::vector<float> const now = env.host_observation();
    for (std::size_t f = 4; f < 8; ++f) EXPECT_LE(std::abs(now[f]), 0.05F);  // a fresh start
    EpisodeStatistics const s = env.statistics();
    EXPECT_EQ(s.episodes, 1);
    EXPECT_EQ(s.mean_return, 1);
    EXPECT_EQ(s.mean_length, 1);
    env.clear_statistics();
    EXPECT_EQ(env.statistics().episodes, 0);
  }
}

TEST(VectorEnv, TruncatesAtTheTimeLimitAndOnlyThere) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = 70});
    for (int t = 1; t <= 400; ++t) {
      env.step_random();
      if (t % 100 != 0 && t % 200 > 1 && t % 200 < 199) continue;
      std::vector<std::uint8_t> const truncated = download(exec, env.truncated());
      std::vector<std::uint8_t> const terminated = download(exec, env.terminated());
      for (std::size_t i = 0; i < 70; ++i) {
        EXPECT_EQ(truncated[i], t % 200 == 0 ? 1 : 0) << "step " << t;
        EXPECT_EQ(terminated[i], 0);
      }
    }
    EXPECT_EQ(env.statistics().episodes, 140);
  }
}

TEST(VectorEnv, DrawsParametersAnewInEveryEpisode) {
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole",
                              .num_envs = 4096,
                              .seed = 3,
                              .parameters = {{"gravity", Distribution::uniform, 5, 15},
                                             {"mass_pole", Distribution::log_uniform, 0.05F, 0.2F},
                                             {"force", Distribution::normal, 10, 1}}});
  auto moments = [&](char const* name, auto const& map) {
    double sum = 0, square = 0;
    for (float const v : env.host_parameter(name)) {
      sum += map(v);
      square += map(v) * map(v);
    }
    double const mean = sum / 4096;
    return std::pair{mean, std::sqrt(square / 4096 - mean * mean)};
  };
  auto same = [](double v) { return v; };
  auto const [gravity, gravity_sd] = moments("gravity", same);
  EXPECT_NEAR(gravity, 10, 0.2);  // 4.4 standard errors
  EXPECT_NEAR(gravity_sd, 10 / std::sqrt(12.0), 0.1);
  auto const [mass, mass_sd] = moments("mass_pole", [](double v) { return std::log(v); });
  EXPECT_NEAR(mass, std::log(0.1), 0.03);
  EXPECT_NEAR(mass_sd, std::log(4.0) / std::sqrt(12.0), 0.02);
  auto const [force, force_sd] = moments("force", same);
  EXPECT_NEAR(force, 10, 0.07);
  EXPECT_NEAR(force_sd, 1, 0.06);
  for (float const v : env.host_parameter("half_length")) EXPECT_EQ(v, 0.5F);
  // No moments after stepping: instances that live longer are over-represented at any one time.
  std::vector<float> const before = env.host_parameter("gravity");
  for (int t = 0; t < 500; ++t) env.step_random();
  std::vector<float> const after = env.host_parameter("gravity");
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NE(before[i], after[i]);
}

TEST(VectorEnv, ParametersDoNotDependOnTheBatchOrOnOtherParameters) {
  VectorEnvConfig config{
      .name = "CartPole", .num_envs = 100, .parameters = {{"force", Distribution::uniform, 5, 15}}};
  std::vector<float> const all = VectorEnv(Exec{Cpu{}}, config).host_parameter("force");
  config.parameters.push_back({"gravity", Distribution::normal, 9.8F, 1});
  config.num_envs = 30;
  config.first_instance = 70;
  std::vector<float> const some = VectorEnv(Exec{Cpu{}}, config).host_parameter("force");
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(some[i], all[70 + i]);
}

TEST(VectorEnv, ForkedInstancesGoDifferentWays) {
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = 64});
    for (int t = 0; t < 10; ++t) env.step_random();
    std::vector<std::int32_t> everyone(64), zeros_(1, 5);
    for (int i = 0; i < 64; ++i) everyone[static_cast<std::size_t>(i)] = i;
    auto const ids = uploaded(exec, everyone), one = uploaded(exec, zeros_);
    auto const sources = zeros<std::int32_t>(exec, 64);
    Snapshot const saved = env.save(one.in());
    env.restore(ids.in(), saved, sources.in(), Stream::fork);
    std::vector<float> state = env.host_state();
    for (std::size_t i = 1; i < 64; ++i) EXPECT_EQ(state[3 * i], state[0]);
    env.step_random();
    state = env.host_state();
    int different = 0;
    for (std::size_t i = 1; i < 64; ++i) different += state[3 * i] != state[0];
    EXPECT_GT(different, 60);
    env.restore(ids.in(), saved, sources.in(), Stream::resume);
    env.step_random();
    state = env.host_state();
    for (std::size_t i = 1; i < 64; ++i) EXPECT_EQ(state[3 * i], state[0]);
  }
}

TEST(VectorEnv, MemoryRoundTripContinuesBitForBit) {
  VectorEnv a(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 77, .seed = 5});
  for (int t = 0; t < 50; ++t) a.step_random();
  VectorEnv b(Exec{Cpu{}}, a.config());
  b.set_host_memory(a.host_memory());
  for (int t = 0; t < 50; ++t) {
    a.step_random();
    b.step_random();
  }
  EXPECT_EQ(a.host_memory(), b.host_memory());
}

TEST(VectorEnv, DamagedMemoryIsRefusedAndChangesNothing) {
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole",
                              .num_envs = 70,
                              .parameters = {{"action_delay", Distribution::uniform, 0, 4}}});
  for (int t = 0; t < 20; ++t) env.step_random();
  std::vector<float> const whole = env.host_memory();
  int const fields = env.memory().record.fields, book = env.memory().book;
  auto const with = [&](int field, float word) {
    std::vector<float> words = whole;
    Tiles<float>{words.data(), fields}.at(field, 69) = word;
    return words;
  };
  int const delay =
      book + static_cast<int>(Book::count) + static_cast<int>(Disturbance::action_delay);
  for (float const bad : {-1.F, 16.F, 3e38F, std::nanf("")})
    EXPECT_THROW(env.set_host_memory(with(delay, bad)), IoError) << bad;
  for (int const bad : {-1, 500, 1 << 30})
    EXPECT_THROW(env.set_host_memory(with(book + static_cast<int>(Book::step), as_float(bad))),
                 IoError)
        << bad;
  EXPECT_EQ(env.host_memory(), whole);
  EXPECT_NO_THROW(env.set_host_memory(with(delay, 15)));
}

}  // namespace
}  // namespace loom
