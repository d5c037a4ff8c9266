#include <png.h>

#include <kernels/core/error.hpp>
#include <tools/media/png.hpp>

namespace loom {

std::string png(In<std::uint8_t> image, ImageSize size) {
  auto const needed =
      3 * static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
  require(image.size == needed && needed > 0, "png: ", size.width, " x ", size.height,
          " pixels need ", needed, " bytes, given ", image.size);
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(size.width);
  header.height = static_cast<png_uint_32>(size.height);
  header.format = PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(header), '\0');
  png_alloc_size_t length = bytes.size();
  if (png_image_write_to_memory(&header, bytes.data(), &length, 0, image.data, 0, nullptr) == 0)
    fail<IoError>("png: ", header.message);
  bytes.resize(length);
  return bytes;
}

}  // namespace loom
