#include <kernels/core/error.hpp>
#include <kernels/render/raster_body.hpp>
#include <limits>

namespace loom {

void render(Here exec, In<Scene> scenes, ImageSize size, Out<std::uint8_t> images) {
  require(size.width >= 1 && size.height >= 1 && size.width <= 8192 && size.height <= 8192,
          "render: images of ", size.width, " x ", size.height, " pixels (each side 1 to 8192)");
  auto const pixels =
      scenes.size * static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
  require(images.size == 3 * pixels, "render: ", scenes.size, " images of ", size.width, " x ",
          size.height, " pixels need ", 3 * pixels, " bytes, given ", images.size);
  require(pixels <= std::numeric_limits<int>::max(), "render: ", pixels,
          " pixels (at most 2^31 - 1)");
  if (pixels != 0) raster::paint(exec, scenes, size, images);
}

}  // namespace loom
