#include <kernels/core/error.hpp>
#include <kernels/render/raster.hpp>
#include <sim/core/pixels.hpp>
#include <tests/device.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

constexpr int kSize = 16, kFrame = 3 * kSize * kSize;

/// The pictures of all instances as they stand, by the public parts alone.
std::vector<std::uint8_t> pictures(VectorEnv const& env) {
  Buffer<Scene> const scenes = env.draw(env.num_envs());
  Buffer<std::uint8_t> images(env.exec(), static_cast<std::size_t>(env.num_envs()) * kFrame);
  visit(env.exec(), [&](auto e) { render(e, scenes.in(), {kSize, kSize}, images.out()); });
  return download(images);
}

/// Channels 3 k ... 3 k + 2 of instance i of NHWC observations with `stack` frames.
std::vector<std::uint8_t> frame_of(std::vector<std::uint8_t> const& observation, int stack, int i,
                                   int k) {
  std::vector<std::uint8_t> frame;
  for (int p = 0; p < kSize * kSize; ++p)
    for (int c = 0; c < 3; ++c)
      frame.push_back(
          observation[static_cast<std::size_t>((i * kSize * kSize + p) * 3 * stack + 3 * k + c)]);
  return frame;
}

std::vector<std::uint8_t> slice(std::vector<std::uint8_t> const& frames, int i) {
  auto const at = frames.begin() + static_cast<std::ptrdiff_t>(i) * kFrame;
  return {at, at + kFrame};
}

TEST(Pixels, AreThePicturesOfThisStepAndThoseBeforeInTheEpisode) {
  for (Exec const& exec : every_exec()) {
    int const n = 64, stack = 3, steps = 4;
    VectorEnv env(exec, {.name = "Pendulum", .num_envs = n, .seed = 2, .max_steps = 5});
    Pixels pixels(env, {kSize, stack}, steps);
    Buffer<std::uint8_t> observation(
        exec, static_cast<std::size_t>(n) * static_cast<std::size_t>(pixels.bytes()));
    OutRows<std::uint8_t> const rows(observation.data(), n, pixels.bytes());
    std::vector<std::vector<std::uint8_t>> seen;  // of the episode, oldest first
    int truncated = 0;
    for (int rollout = 0; rollout < 3; ++rollout) {
      pixels.begin(exec);
      for (int t = 0; t < steps; ++t) {
        pixels.see(exec, env, t);
        seen.push_back(pictures(env));
        pixels.observe(exec, t, rows);
        std::vector<std::uint8_t> const got = download(observation);
        for (int k = 0; k < stack; ++k) {
          auto const back = std::min(static_cast<std::size_t>(k), seen.size() - 1);
          for (int i : {0, 17, 63})
            ASSERT_EQ(frame_of(got, stack, i, k), slice(seen[seen.size() - 1 - back], i))
                << "rollout " << rollout << ", t " << t << ", frame " << k;
        }
        // A twin without a time limit shows what the episode's last picture is.
        VectorEnv twin(exec, {.name = "Pendulum", .num_envs = n, .seed = 2});
        twin.set_state(env.host_state());
        env.set_actions(std::vector<float>(n, 1.F));
        twin.set_actions(std::vector<float>(n, 1.F));
        twin.step();
        pixels.step(exec, env, {}, t);
        std::vector<std::int32_t> const last = download(exec, pixels.last_places());
        if (download(exec, env.truncated())[0] == 0) continue;
        ++truncated;
        EXPECT_EQ(last[17], t * pixels.num_envs() + 17);
        pixels.observe_last(exec, rows);
        std::vector<std::uint8_t> const end = download(observation);
        EXPECT_EQ(frame_of(end, stack, 17, 0), slice(pictures(twin), 17));
        EXPECT_EQ(frame_of(end, stack, 17, 1), slice(seen.back(), 17));
        seen.clear();
      }
    }
    EXPECT_EQ(truncated, 2);
  }
}

TEST(Pixels, KeepTheLastPictureOfEpisodesThatTerminate) {
  for (Exec const& exec : every_exec()) {
    int const n = 64;
    VectorEnv env(exec, {.name = "CartPole", .num_envs = n, .seed = 2}),
        twin(exec, {.name = "CartPole", .num_envs = n, .seed = 2});
    Pixels pixels(env, {kSize, 1}, 1);
    int ended = 0;
    for (int t = 0; t < 12; ++t) {
      env.set_actions(std::vector<float>(n, 1.F));
      pixels.begin(exec);
      pixels.see(exec, env, 0);
      pixels.step(exec, env, {}, 0);
      auto const terminated = download(exec, env.terminated());
      // A CartPole's observation is its state: what the last one looks like, a twin shows.
      auto const final = download(exec, env.final_observation());
      std::vector<float> state;
      for (int i = 0; i < n; ++i)
        for (int f = 0; f < 4; ++f) state.push_back(final[static_cast<std::size_t>(f * kTile + i)]);
      twin.set_state(state);
      std::vector<std::uint8_t> const want = pictures(twin);
      std::vector<std::uint8_t> const got =
          download(exec, In<std::uint8_t>(pixels.last_frames().data, want.size()));
      for (int i = 0; i < n; ++i) {
        if (terminated[static_cast<std::size_t>(i)] == 0) continue;
        ++ended;
        EXPECT_EQ(slice(got, i), slice(want, i)) << "step " << t << ", instance " << i;
      }
    }
    EXPECT_GT(ended, 30);
  }
}

TEST_P(EveryEnv, ShowsTheSamePixelsOnEveryMachine) {
  std::vector<std::uint8_t> first;
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec,
                  {.name = GetParam().spec().name, .num_envs = 64, .seed = 6, .max_steps = 3});
    Pixels pixels(env, {kSize, 2}, 3);
    auto observation =
        zeros<std::uint8_t>(exec, std::size_t{64} * static_cast<std::size_t>(pixels.bytes()));
    OutRows<std::uint8_t> const rows(observation.data(), 64, pixels.bytes());
    std::vector<std::uint8_t> all;
    auto const add = [&] {
      std::vector<std::uint8_t> const now = download(observation);
      all.insert(all.end(), now.begin(), now.end());
    };
    pixels.begin(exec);
    for (int t = 0; t < 3; ++t) {
      pixels.see(exec, env, t);
      pixels.step(exec, env, {}, t);
      pixels.observe(exec, t, rows);
      add();
    }
    pixels.observe_last(exec, rows);
    add();
    if (first.empty()) first = all;
    EXPECT_EQ(all, first);
  }
}

TEST(Pixels, SayWhatTheyCannotDo) {
  VectorEnv const env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 4, .max_steps = 10});
  EXPECT_THROW(Pixels(env, {30, 2}, 5), ConfigError);
  EXPECT_THROW(Pixels(env, {32, 0}, 5), ConfigError);
  EXPECT_THROW(Pixels(env, {32, 2}, 11), ConfigError);
}

}  // namespace
}  // namespace loom
