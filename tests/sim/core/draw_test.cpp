#include <cmath>
#include <cstring>
#include <kernels/core/buffer.hpp>
#include <sim/core/vector_env.hpp>
#include <tests/device.hpp>
#include <tests/sim/core/every_env.hpp>

namespace loom {
namespace {

// Every word of the shapes that are there.
std::vector<std::uint32_t> words_of(Scene const& scene) {
  auto const count = static_cast<std::size_t>(scene.count);
  std::vector<std::uint32_t> words(count * sizeof(Primitive) / 4);
  std::memcpy(words.data(), scene.primitives, words.size() * 4);
  return words;
}

TEST_P(EveryEnv, DrawsTheSamePictureOnEveryMachine) {
  std::vector<Scene> first;
  for (Exec const& exec : every_exec()) {
    VectorEnv env(exec, {.name = GetParam().spec().name, .num_envs = 5});
    for (int t = 0; t < 3; ++t) env.step_random();
    Buffer<Scene> const drawn = env.draw(5);
    std::vector<Scene> const scenes = download(exec, drawn.in());
    if (first.empty()) first = scenes;
    for (std::size_t i = 0; i < scenes.size(); ++i) {
      EXPECT_GT(scenes[i].count, 0);
      EXPECT_EQ(scenes[i].dropped, 0);
      EXPECT_GT(scenes[i].height, 0);
      EXPECT_EQ(words_of(scenes[i]), words_of(first[i])) << "instance " << i;
    }
  }
}

}  // namespace
}  // namespace loom
