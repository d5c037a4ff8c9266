#include <gtest/gtest.h>

#include <cstdlib>
#include <kernels/core/error.hpp>
#include <random>
#include <tests/tools/media/gif_decoder.hpp>
#include <tools/media/gif.hpp>
#include <tools/media/palette.hpp>

namespace loom {
namespace {

using Image = std::vector<std::uint8_t>;

/// Pixels drawn from the first `colours` of some fixed colours.
Image noise(ImageSize size, int colours, unsigned seed) {
  std::minstd_rand random(seed);
  Image image;
  for (int i = 0; i < size.width * size.height; ++i) {
    unsigned const c = static_cast<unsigned>(random()) % static_cast<unsigned>(colours);
    for (unsigned const factor : {37U, 101U, 59U})
      image.push_back(static_cast<std::uint8_t>(c * factor));
  }
  return image;
}

TEST(Gif, FewColoursComeBackExactlyFrameByFrame) {
  // 200 colours of noise fill the table of codes many times; 1 and 2 make its smallest width.
  for (ImageSize const size : {ImageSize{97, 53}, {1, 1}, {300, 2}})
    for (int const colours : {1, 2, 3, 17, 128, 200}) {
      Gif gif(size);
      std::vector<Image> frames;
      for (unsigned f = 0; f < 3; ++f) frames.push_back(noise(size, colours, f));
      for (Image const& frame : frames) gif.add(frame, 0.05);
      std::string const bytes = gif.bytes();
      DecodedGif const decoded = GifDecoder(bytes).decode();
      EXPECT_EQ(decoded.width, size.width);
      EXPECT_EQ(decoded.height, size.height);
      EXPECT_EQ(decoded.frames, frames) << size.width << " " << colours;
      EXPECT_TRUE(decoded.repeats);
    }
}

TEST(Gif, AnimationsKeepWhatStays) {
  ImageSize const size{200, 120};
  Gif gif(size);
  std::vector<Image> frames;
  std::vector<Scene> scenes(1);
  for (int f = 0; f < 30; ++f) {
    scenes[0].clear();
    scenes[0].camera({0, 0}, 2);
    scenes[0].box({0, -1}, {5, 0.3F}, 0, Colour::surface);
    scenes[0].disc({0.04F * static_cast<float>(f / 2) - 0.3F, 0}, 0.2F, Colour::accent);
    frames.emplace_back(static_cast<std::size_t>(3 * size.width * size.height));
    render(Cpu{}, scenes, size, frames.back());
    gif.add(frames.back(), 0.03);
  }
  std::string const bytes = gif.bytes();
  EXPECT_EQ(GifDecoder(bytes).decode().frames, frames);
  EXPECT_LT(bytes.size(), 30U * 800U);
}

TEST(Gif, ManyColoursComeBackNearly) {
  ImageSize const size{256, 64};
  Image image;
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x)
      for (int const v : {x, 4 * y, 255 - x}) image.push_back(static_cast<std::uint8_t>(v));
  Gif gif(size);
  gif.add(image, 1);
  std::string const bytes = gif.bytes();
  Image const back = GifDecoder(bytes).decode().frames.at(0);
  double sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i) sum += std::abs(image[i] - back[i]);
  // 256 cells over a plane of 256 x 256 steps: 16 a side, 4 off on average.
  EXPECT_LT(sum / static_cast<double>(image.size()), 5);
}

TEST(Gif, DelaysAddUpToTheTimeAskedFor) {
  ImageSize const size{2, 2};
  Gif gif(size);
  for (unsigned f = 0; f < 60; ++f) gif.add(noise(size, 9, f), 1 / 30.0);
  std::string const bytes = gif.bytes();
  int sum = 0;
  for (int const delay : GifDecoder(bytes).decode().delays_cs) {
    EXPECT_TRUE(delay == 3 || delay == 4);
    sum += delay;
  }
  EXPECT_EQ(sum, 200);
}

TEST(Gif, WrongCallsAreNamed) {
  EXPECT_THROW(Gif({0, 4}), ShapeError);
  EXPECT_THROW(Gif({70000, 4}), ShapeError);
  Gif gif({4, 4});
  EXPECT_THROW(gif.bytes(), ShapeError);
  EXPECT_THROW(gif.add(Image(47), 0.1), ShapeError);
  EXPECT_THROW(gif.add(Image(48), 0.01), ConfigError);
}

TEST(Palette, GivesFrequentColoursAnEntryOfTheirOwn) {
  std::vector<std::uint32_t> pixels(5000, 0x2A6FBB);
  for (std::uint32_t i = 0; i < 1000; ++i) pixels.push_back(i * 0x3FF3);
  Palette const palette = make_palette(pixels, 16);
  EXPECT_LE(palette.entries.size(), 16U);
  std::uint32_t const shown = palette.entries[palette.find(0x2A6FBB)];
  for (int const shift : {0, 8, 16})
    EXPECT_NEAR(static_cast<int>(shown >> shift & 255), 0x2A6FBB >> shift & 255, 4);
}

}  // namespace
}  // namespace loom
