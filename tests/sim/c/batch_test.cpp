#include <cmath>
#include <kernels/core/buffer.hpp>
#include <kernels/render/raster.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/c/handle.hpp>
#include <thread>

namespace loom {
namespace {

constexpr int kN = 130;

TEST(CHandle, StepsTheBitsOfTheBatchInCxx) {
  dreamloom_choice const gravity{"gravity", DREAMLOOM_UNIFORM, 5, 15};
  VectorEnv batch(Exec{Cpu{}}, {.name = "CartPole",
                                .num_envs = kN,
                                .seed = 7,
                                .first_instance = 3,
                                .parameters = {{"gravity", Distribution::uniform, 5, 15}},
                                .max_steps = 20});
  for (char const* device : every_device()) {
    VectorEnv env(Exec{Cpu{}}, batch.config());
    Handle const handle({.environment = "CartPole",
                         .num_envs = kN,
                         .seed = 7,
                         .device = device,
                         .threads = 2,
                         .first_instance = 3,
                         .max_steps = 20,
                         .choices = &gravity,
                         .num_choices = 1});
    for (int t = 0; t < 45; ++t) {
      std::vector<std::int32_t> actions(kN);
      for (int i = 0; i < kN; ++i) actions[static_cast<std::size_t>(i)] = (i * 7 + t * t) / 3 % 2;
      OK(dreamloom_step_discrete(handle, actions.data(), DREAMLOOM_HOST));
      env.set_actions({actions.begin(), actions.end()});
      env.step();
    }
    EXPECT_EQ(handle.observation(kN, 4), env.host_observation()) << device;
    std::vector<float> reward(kN), gravities(kN), last(kN * 4);
    std::vector<std::uint8_t> terminated(kN), truncated(kN);
    OK(dreamloom_reward(handle, reward.data(), DREAMLOOM_HOST));
    OK(dreamloom_terminated(handle, terminated.data(), DREAMLOOM_HOST));
    OK(dreamloom_truncated(handle, truncated.data(), DREAMLOOM_HOST));
    OK(dreamloom_parameter_values(handle, "gravity", gravities.data()));
    OK(dreamloom_final_observe(handle, last.data(), DREAMLOOM_HOST));
    std::vector<float> tiles = download(Exec{Cpu{}}, env.final_observation());
    for (std::size_t i = 0; i < kN; ++i) {
      EXPECT_EQ(reward[i], env.reward()[i]);
      EXPECT_EQ(terminated[i], env.terminated()[i]);
      EXPECT_EQ(truncated[i], env.truncated()[i]);
      for (int f = 0; f < 4; ++f)
        EXPECT_EQ(last[4 * i + static_cast<std::size_t>(f)],
                  (Tiles<float>{tiles.data(), 4}.at(f, static_cast<int>(i))));
    }
    EXPECT_EQ(gravities, env.host_parameter("gravity"));
    dreamloom_statistics s;
    OK(dreamloom_get_statistics(handle, &s));
    EXPECT_EQ(s.episodes, env.statistics().episodes);
    EXPECT_EQ(s.mean_return, env.statistics().mean_return);
    EXPECT_EQ(s.mean_length, env.statistics().mean_length);
    EXPECT_GT(s.episodes, kN);
    OK(dreamloom_clear_statistics(handle));
    OK(dreamloom_get_statistics(handle, &s));
    EXPECT_EQ(s.episodes, 0);
    OK(dreamloom_reset(handle));
    env.reset();
    EXPECT_EQ(handle.observation(kN, 4), env.host_observation()) << device;
  }
}

TEST(CHandle, TakesAndGivesDeviceMemory) {
  for (Exec const& exec : every_exec()) {
    Handle const handle({.environment = "Pendulum",
                         .num_envs = kN,
                         .seed = 7,
                         .device = on_cpu(exec) ? "cpu" : "cuda"});
    VectorEnv env(Exec{Cpu{}}, {.name = "Pendulum", .num_envs = kN, .seed = 7});
    std::vector<float> torques(kN);
    for (int i = 0; i < kN; ++i)
      torques[static_cast<std::size_t>(i)] = 0.05F * static_cast<float>(i - 65);  // beyond +-2, too
    Buffer<float> const actions = uploaded(exec, torques);
    Buffer<float> observation(exec, kN * 3), reward(exec, kN);
    for (int t = 0; t < 10; ++t) {
      OK(dreamloom_step_continuous(handle, actions.data(), DREAMLOOM_DEVICE));
      env.set_actions(torques);
      env.step();
    }
    OK(dreamloom_observe(handle, observation.data(), DREAMLOOM_DEVICE));
    OK(dreamloom_reward(handle, reward.data(), DREAMLOOM_DEVICE));
    OK(dreamloom_synchronize(handle));
    EXPECT_EQ(download(observation), env.host_observation());
    EXPECT_EQ(download(reward)[kN - 1], env.reward()[kN - 1]);
  }
}

TEST(CHandle, TakesTheNearestActionFromADevice) {
  for (Exec const& exec : every_exec()) {
    char const* const device = on_cpu(exec) ? "cpu" : "cuda";
    Handle const wild({.environment = "CartPole", .num_envs = 2, .device = device}),
        tame({.environment = "CartPole", .num_envs = 2, .device = device});
    Buffer<std::int32_t> const actions = uploaded(exec, std::vector<std::int32_t>{-5, 99});
    std::int32_t const nearest[2] = {0, 1};
    OK(dreamloom_step_discrete(wild, actions.data(), DREAMLOOM_DEVICE));
    OK(dreamloom_step_discrete(tame, nearest, DREAMLOOM_HOST));
    EXPECT_EQ(wild.observation(2, 4), tame.observation(2, 4));
  }
}

TEST(CHandle, KnowsTheSpacesOfGymnasium) {
  dreamloom_spec spec;
  OK(dreamloom_environment_spec("CartPole", &spec));
  EXPECT_STREQ(spec.name, "CartPole");
  EXPECT_EQ(spec.discrete, 1);
  EXPECT_EQ(spec.action_size, 2);
  EXPECT_EQ(spec.action_fields, 1);
  EXPECT_EQ(spec.observation_size, 4);
  EXPECT_EQ(spec.observation_high[0], 4.8F);
  EXPECT_TRUE(std::isinf(spec.observation_low[1]));
  EXPECT_EQ(spec.max_steps, 500);
  OK(dreamloom_environment_spec("Pendulum", &spec));
  EXPECT_EQ(spec.discrete, 0);
  EXPECT_EQ(spec.action_low, -2);
  EXPECT_EQ(spec.action_high, 2);
  EXPECT_EQ(spec.max_steps, 200);
  dreamloom_parameter gravity;
  OK(dreamloom_environment_parameter("CartPole", 0, &gravity));
  EXPECT_STREQ(gravity.name, "gravity");
  EXPECT_STREQ(gravity.unit, "m/s^2");
  EXPECT_EQ(gravity.value, 9.8F);
  EXPECT_LT(gravity.low, 1.62F);   // the Moon
  EXPECT_GT(gravity.high, 24.8F);  // Jupiter
  Handle const handle({.environment = "CartPole", .num_envs = kN, .max_steps = 9});
  OK(dreamloom_env_spec(handle, &spec));
  EXPECT_EQ(spec.max_steps, 9);
  std::int32_t n = 0;
  OK(dreamloom_num_envs(handle, &n));
  EXPECT_EQ(n, kN);
  OK(dreamloom_environment_count(&n));
  bool pendulum = false;
  for (std::int32_t i = 0; i < n; ++i) {
    char const* name = nullptr;
    OK(dreamloom_environment_name(i, &name));
    pendulum |= std::string(name) == "Pendulum";
  }
  EXPECT_TRUE(pendulum);
  OK(dreamloom_device_count(&n));
  EXPECT_EQ(n, device_count());
}

// The message of a call that failed with `status`.
std::string message_of(dreamloom_status got, dreamloom_status status) {
  EXPECT_EQ(got, status);
  return dreamloom_last_error();
}

TEST(CHandle, SaysWhatItCannotUse) {
  auto create = [](dreamloom_config const& config, dreamloom_status status) {
    dreamloom_env* env = nullptr;
    std::string const m = message_of(dreamloom_create(&config, &env), status);
    EXPECT_EQ(env, nullptr);
    return m;
  };
  auto const bad = DREAMLOOM_BAD_ARGUMENT;
  EXPECT_EQ(create({.environment = "CartPol", .num_envs = 1}, bad),
            "dreamloom_create: unknown environment \"CartPol\" (did you mean \"CartPole\"?)");
  EXPECT_EQ(create({.num_envs = 1}, bad), "dreamloom_create: config.environment is NULL");
  EXPECT_EQ(create({.environment = "CartPole"}, bad),
            "dreamloom_create: vector env: num_envs is 0 (needs 1 or more)");
  EXPECT_EQ(create({.environment = "CartPole", .num_envs = 1, .device = "gpu"}, bad),
            "dreamloom_create: device is \"gpu\" (needs \"cpu\", \"cuda\" or \"cuda:n\")");
  create({.environment = "CartPole", .num_envs = 1, .device = "cuda:77"}, DREAMLOOM_CUDA_ERROR);
  int something = 0;
  EXPECT_EQ(create({.environment = "CartPole", .num_envs = 1, .stream = &something}, bad),
            "dreamloom_create: a stream for device \"cpu\" (needs \"cuda:n\")");
  dreamloom_choice const upside_down{"gravity", DREAMLOOM_UNIFORM, 9, 5};
  EXPECT_EQ(
      create({.environment = "CartPole", .num_envs = 1, .choices = &upside_down, .num_choices = 1},
             bad),
      "dreamloom_create: CartPole.gravity: range from 9 to 5 is upside down");
  EXPECT_EQ(message_of(dreamloom_create(nullptr, nullptr), bad), "dreamloom_create: env is NULL");
  EXPECT_EQ(message_of(dreamloom_step(nullptr), bad),
            "dreamloom_step: env is NULL (needs a handle of dreamloom_create)");

  Handle const handle({.environment = "CartPole", .num_envs = 3});
  std::vector<float> const before = handle.observation(3, 4);
  std::int32_t const actions[3] = {0, 2, 0};
  EXPECT_EQ(message_of(dreamloom_step_discrete(handle, actions, DREAMLOOM_HOST), bad),
            "dreamloom_step_discrete: action 2 of instance 1 (needs 0 to 1)");
  EXPECT_EQ(message_of(dreamloom_step_discrete(handle, nullptr, DREAMLOOM_HOST), bad),
            "dreamloom_step_discrete: actions is NULL");
  float const torque[3] = {};
  EXPECT_EQ(message_of(dreamloom_step_continuous(handle, torque, DREAMLOOM_HOST), bad),
            "dreamloom_step_continuous: CartPole has discrete actions (needs "
            "dreamloom_step_discrete)");
  dreamloom_choice const misspelt{"gravty", DREAMLOOM_FIXED, 9, 0};
  EXPECT_NE(message_of(dreamloom_randomise(handle, &misspelt, 1), bad).find("gravity"),
            std::string::npos);
  EXPECT_EQ(message_of(dreamloom_observe(handle, nullptr, DREAMLOOM_HOST), bad),
            "dreamloom_observe: observation is NULL");
  EXPECT_EQ(handle.observation(3, 4), before) << "an error changed something";
  std::thread([] { EXPECT_STREQ(dreamloom_last_error(), "") << "another thread's error"; }).join();
  EXPECT_EQ(dreamloom_destroy(nullptr), DREAMLOOM_OK);
}

TEST(CHandle, RestoresBitForBitAndForksElsewhere) {
  for (char const* device : every_device()) {
    Handle const handle({.environment = "Pendulum", .num_envs = 70, .device = device}),
        other({.environment = "Pendulum", .num_envs = 2, .seed = 5, .device = device});
    for (int t = 0; t < 10; ++t) OK(dreamloom_step_random(handle));
    std::int32_t const saved[2] = {69, 4}, to[2] = {0, 1}, from[2] = {1, 0};
    dreamloom_snapshot* snapshot = nullptr;
    OK(dreamloom_save(handle, saved, 2, &snapshot));
    std::vector<float> const then = handle.observation(70, 3);
    OK(dreamloom_step_random(handle));
    std::vector<float> const next = handle.observation(70, 3);
    auto same = [](std::vector<float> const& a, int i, std::vector<float> const& b, int j) {
      return std::equal(a.begin() + 3 * i, a.begin() + 3 * i + 3, b.begin() + 3 * j);
    };
    OK(dreamloom_restore(handle, snapshot, to, from, 2, DREAMLOOM_RESUME));
    EXPECT_TRUE(same(handle.observation(70, 3), 0, then, 4));
    EXPECT_TRUE(same(handle.observation(70, 3), 1, then, 69));
    OK(dreamloom_step_random(handle));
    EXPECT_TRUE(same(handle.observation(70, 3), 0, next, 4));
    EXPECT_TRUE(same(handle.observation(70, 3), 1, next, 69));
    OK(dreamloom_restore(handle, snapshot, to, from, 2, DREAMLOOM_FORK));
    OK(dreamloom_step_random(handle));
    EXPECT_FALSE(same(handle.observation(70, 3), 0, next, 4));
    OK(dreamloom_restore(other, snapshot, to, from, 2, DREAMLOOM_RESUME));
    EXPECT_TRUE(same(other.observation(2, 3), 1, then, 69)) << "into another batch";

    std::int32_t const twice[2] = {1, 1}, beyond[1] = {70};
    auto const bad = DREAMLOOM_BAD_ARGUMENT;
    EXPECT_EQ(message_of(dreamloom_restore(handle, snapshot, twice, from, 2, DREAMLOOM_FORK), bad),
              "dreamloom_restore: ids: 1 twice");
    EXPECT_EQ(message_of(dreamloom_restore(handle, snapshot, to, saved, 1, DREAMLOOM_FORK), bad),
              "dreamloom_restore: sources: 69 (needs 0 to 1)");
    dreamloom_snapshot* none = nullptr;
    EXPECT_EQ(message_of(dreamloom_save(handle, beyond, 1, &none), bad),
              "dreamloom_save: ids: 70 (needs 0 to 69)");
    Handle const cartpole({.environment = "CartPole", .num_envs = 2, .device = device});
    EXPECT_EQ(message_of(dreamloom_restore(cartpole, snapshot, to, from, 2, DREAMLOOM_FORK), bad),
              "dreamloom_restore: a snapshot of Pendulum (needs CartPole)");
    OK(dreamloom_snapshot_destroy(snapshot));
  }
}

TEST(CHandle, RandomisesFromTheNextResetOn) {
  for (char const* device : every_device()) {
    Handle const handle({.environment = "CartPole", .num_envs = kN, .device = device});
    dreamloom_choice const choices[2] = {{"gravity", DREAMLOOM_UNIFORM, 5, 7},
                                         {"force", DREAMLOOM_FIXED, 12, 0}};
    OK(dreamloom_randomise(handle, choices, 2));
    OK(dreamloom_reset(handle));
    std::vector<float> gravity(kN), force(kN);
    OK(dreamloom_parameter_values(handle, "gravity", gravity.data()));
    OK(dreamloom_parameter_values(handle, "force", force.data()));
    for (std::size_t i = 0; i < kN; ++i) {
      EXPECT_GE(gravity[i], 5);
      EXPECT_LT(gravity[i], 7);
      EXPECT_EQ(force[i], 12);
    }
    EXPECT_NE(gravity[0], gravity[1]);
  }
}

TEST(CHandle, DrawsWhatTheBatchDraws) {
  VectorEnv env(Exec{Cpu{}}, {.name = "CartPole", .num_envs = 3});
  Buffer<Scene> const scenes = env.draw(2);
  std::vector<std::uint8_t> expected(2 * 20 * 30 * 3), image(expected.size());
  render(Cpu{}, scenes.in(), {30, 20}, expected);
  for (char const* device : every_device()) {
    Handle const handle({.environment = "CartPole", .num_envs = 3, .device = device});
    OK(dreamloom_render(handle, 2, 20, 30, image.data(), DREAMLOOM_HOST));
    EXPECT_EQ(image, expected) << device;
    EXPECT_EQ(dreamloom_render(handle, 4, 20, 30, image.data(), DREAMLOOM_HOST),
              DREAMLOOM_BAD_SHAPE);
  }
}

}  // namespace
}  // namespace loom
