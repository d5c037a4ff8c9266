// Steps, randomises, draws and trains an environment that the library has never heard of.
#include <cstdio>
#include <cstdlib>
#include <kernels/render/raster.hpp>
#include <learn/ppo/ppo.hpp>

namespace {

void check(bool holds, char const* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(1);
}

/// 70 randomised pucks after 30 steps of random pushes.
std::vector<float> observation_after_30_steps(loom::Exec const& exec) {
  loom::VectorEnv env(exec, {.name = "Puck",
                             .num_envs = 70,
                             .seed = 1,
                             .parameters = {{"mass", loom::Distribution::uniform, 0.1F, 0.3F}}});
  std::vector<float> const mass = env.host_parameter("mass");
  check(mass[0] != mass[1] && mass[0] >= 0.1F && mass[0] <= 0.3F, "every puck has its own mass");
  for (int t = 0; t < 30; ++t) env.step_random();
  return env.host_observation();
}

void draws() {
  loom::Exec const exec = loom::Cpu{};
  loom::VectorEnv const env(exec, {.name = "Puck"});
  loom::Buffer<loom::Scene> const scenes = env.draw(1);
  std::vector<std::uint8_t> image(std::size_t{3} * 16 * 64);
  loom::render(loom::Cpu{}, scenes.in(), {64, 16}, image);
  auto const at = [&](int x, int y) { return image.data() + 3 * (64 * y + x); };
  check(at(0, 0)[0] == 0xFA && at(0, 0)[2] == 0xF3, "the corner shows paper");
  bool ink = false;
  for (int x = 0; x < 64; ++x) ink |= at(x, 8)[0] < 0x80 && at(x, 8)[2] < 0x80;
  check(ink, "somewhere in the middle row lies the puck");
}

/// Mean return of a policy that pushes at random.
double random_return() {
  loom::VectorEnv env(loom::Cpu{}, {.name = "Puck", .num_envs = 1024});
  for (int t = 0; t < 200; ++t) env.step_random();
  return env.statistics().mean_return;
}

/// Mean return of the episodes that end in the last of 30 iterations of PPO.
double trained_return() {
  loom::Ppo::Config config;
  config.learning_rate = 3e-3F;
  config.hidden = {32, 32};
  loom::Ppo ppo(loom::Cpu{}, {.name = "Puck", .num_envs = 256, .seed = 1}, config);
  double result = 0;
  for (int i = 0; i < 30; ++i) {
    ppo.collect();
    ppo.update();
    for (auto const& [name, value] : ppo.metrics())
      if (name == "episode_return") result = value;
  }
  return result;
}

}  // namespace

int main() {
  std::vector<float> const here = observation_after_30_steps(loom::Cpu{});
#if DREAMLOOM_WITH_CUDA
  if (loom::device_count() > 0)
    check(observation_after_30_steps(loom::Gpu{}) == here, "the GPU steps the same bits");
#endif
  draws();
  double const random = random_return(), trained = trained_return();
  std::printf("return: %.1f at random, %.1f trained (of 100)\n", random, trained);
  check(trained > random + 20, "PPO learns it");
}
