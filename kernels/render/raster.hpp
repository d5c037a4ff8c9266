#pragma once
// Scenes to pixels, thousands at a time.
#include <kernels/core/machine.hpp>
#include <kernels/core/view.hpp>
#include <kernels/render/scene.hpp>

namespace loom {

struct ImageSize {
  int width, height;
};

/// Paints scene m into image m, later shapes over earlier ones, edges smoothed by exact distances:
/// a pixel takes the part of a colour that a box of one pixel, laid across the edge, has inside.
/// Lines thinner than a pixel fade instead of breaking up.
///
/// A scene whose count is Scene::kSkipped leaves its image as it was.
///
/// Shapes   scenes: (M); images: (M, height, width, 3), top row first, red green blue.
/// Units    world units in, 8-bit sRGB values out. A shape with a NaN is not drawn.
/// Errors   ShapeError if the sizes differ or a side is not in [1, 8192].
/// Bits     the same on every machine, lane width and thread count.
void render(Cpu exec, In<Scene> scenes, ImageSize size, Out<std::uint8_t> images);
void render(Gpu exec, In<Scene> scenes, ImageSize size, Out<std::uint8_t> images);

}  // namespace loom
