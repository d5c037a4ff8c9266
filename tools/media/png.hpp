#pragma once
// One picture as the bytes of a PNG file.
#include <kernels/render/raster.hpp>
#include <string>

namespace loom {

/// image: (height, width, 3), top row first, as render() makes it.
/// Errors  ShapeError if its size is another; IoError with libpng's reason.
std::string png(In<std::uint8_t> image, ImageSize size);

}  // namespace loom
