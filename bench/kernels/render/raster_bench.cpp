#include <benchmark/benchmark.h>

#include <kernels/core/buffer.hpp>
#include <kernels/render/raster.hpp>
#include <vector>

namespace loom {
namespace {

/// A cart with a pole: as many shapes as most environments draw.
Scene cart_and_pole(float position, float angle_rad) {
  Scene scene;
  scene.camera({0, 1}, 3, 5);
  scene.capsule({-2.4F, 0}, {2.4F, 0}, 0.02F, Colour::muted);
  scene.box({position, 0}, {0.25F, 0.15F}, 0, Colour::accent);
  scene.disc({position - 0.15F, -0.15F}, 0.08F, Colour::ink);
  scene.disc({position + 0.15F, -0.15F}, 0.08F, Colour::ink);
  scene.capsule({position, 0.1F}, polar({position, 0.1F}, 1, angle_rad), 0.05F, Colour::warm);
  scene.disc({position, 0.1F}, 0.04F, Colour::ink);
  return scene;
}

void render_cpu(benchmark::State& state) {
  int const side = static_cast<int>(state.range(0)), count = static_cast<int>(state.range(1));
  std::vector<Scene> scenes;
  for (int m = 0; m < count; ++m) {
    float const phase = static_cast<float>(m) / static_cast<float>(count);
    scenes.push_back(cart_and_pole(2 * phase - 1, 1 + phase));
  }
  Buffer<std::uint8_t> images(Exec{Cpu{}},
                              scenes.size() * 3 * static_cast<std::size_t>(side * side));
  for (auto _ : state) {
    render(Cpu{}, scenes, {side, side}, images.out());
    benchmark::DoNotOptimize(images.data());
  }
  state.SetItemsProcessed(state.iterations() * count);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(images.size()));
}
BENCHMARK(render_cpu)->Args({64, 16})->Args({64, 256})->Args({84, 256})->Args({512, 1});

}  // namespace
}  // namespace loom
