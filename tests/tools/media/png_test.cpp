#include <gtest/gtest.h>
#include <png.h>

#include <kernels/core/error.hpp>
#include <tools/media/png.hpp>
#include <vector>

namespace loom {
namespace {

TEST(Png, ComesBackAsItWas) {
  for (ImageSize const size : {ImageSize{33, 17}, {1, 1}, {256, 3}}) {
    std::vector<std::uint8_t> image;
    for (int i = 0; i < 3 * size.width * size.height; ++i)
      image.push_back(static_cast<std::uint8_t>(i * i / 7));
    std::string const bytes = png(image, size);

    png_image header{};
    header.version = PNG_IMAGE_VERSION;
    ASSERT_NE(png_image_begin_read_from_memory(&header, bytes.data(), bytes.size()), 0);
    EXPECT_EQ(header.width, static_cast<unsigned>(size.width));
    EXPECT_EQ(header.height, static_cast<unsigned>(size.height));
    header.format = PNG_FORMAT_RGB;
    std::vector<std::uint8_t> back(PNG_IMAGE_SIZE(header));
    ASSERT_NE(png_image_finish_read(&header, nullptr, back.data(), 0, nullptr), 0);
    EXPECT_EQ(back, image);
  }
}

TEST(Png, SizesThatDoNotFitAreNamed) {
  std::vector<std::uint8_t> const image(10);
  EXPECT_THROW(png(image, {2, 2}), ShapeError);
  EXPECT_THROW(png({}, {0, 0}), ShapeError);
}

}  // namespace
}  // namespace loom
