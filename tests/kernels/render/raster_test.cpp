#include <gtest/gtest.h>

#include <cmath>
#include <kernels/core/buffer.hpp>
#include <kernels/core/error.hpp>
#include <kernels/core/random.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/render/raster_body.hpp>
#include <limits>
#include <tests/device.hpp>
#include <vector>

namespace loom {
namespace {

constexpr Colour kBlack = static_cast<Colour>(0);

/// One world unit is one pixel; the origin lies in the middle.
Scene pixel_scene(ImageSize size) {
  Scene scene;
  scene.camera({0, 0}, static_cast<float>(size.height));
  scene.backdrop = Colour::white;
  return scene;
}

using Image = std::vector<std::uint8_t>;

Image paint(std::vector<Scene> const& scenes, ImageSize size, Cpu exec = {}) {
  Image image(scenes.size() * 3 * static_cast<std::size_t>(size.width * size.height));
  render(exec, scenes, size, image);
  return image;
}

int red(Image const& image, ImageSize size, int x, int y) {
  return image[static_cast<std::size_t>(3 * (y * size.width + x))];
}

/// How much of all pixels is black, in pixels.
double darkness(Image const& image) {
  double sum = 0;
  for (std::size_t i = 0; i < image.size(); i += 3) sum += 1 - image[i] / 255.0;
  return sum;
}

// ---- an oracle: 16 x 16 samples a pixel in double ----

bool inside(Primitive const& p, double x, double y) {
  auto const at = [&](int k) { return p.points[k % p.corners]; };
  if (p.corners == 2) {
    double const ax = at(1).x - double{at(0).x}, ay = at(1).y - double{at(0).y};
    double const squared = ax * ax + ay * ay;
    double const along = squared > 0 ? ((x - at(0).x) * ax + (y - at(0).y) * ay) / squared : 0;
    double const t = std::clamp(along, 0.0, 1.0);
    return std::hypot(x - at(0).x - t * ax, y - at(0).y - t * ay) <= p.radius;
  }
  int left = 0, right = 0;
  for (int k = 0; k < p.corners; ++k) {
    double const side = (at(k + 1).x - double{at(k).x}) * (y - at(k).y) -
                        (at(k + 1).y - double{at(k).y}) * (x - at(k).x);
    left += side >= 0;
    right += side <= 0;
  }
  return left == p.corners || right == p.corners;
}

std::vector<double> sampled(Scene const& scene, ImageSize size) {
  std::vector<double> image;
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x) {
      double value = 255;
      for (int k = 0; k < scene.count; ++k) {
        int hits = 0;
        for (int s = 0; s < 256; ++s)
          hits += inside(scene.primitives[k], x + (s % 16 + 0.5) / 16 - 0.5 * size.width,
                         0.5 * size.height - y - (s / 16 + 0.5) / 16);
        auto const colour = static_cast<std::uint32_t>(scene.primitives[k].colour);
        value += hits / 256.0 * ((colour >> 16 & 255) - value);
      }
      image.push_back(value);
    }
  return image;
}

/// Discs, capsules, boxes and triangles of random sizes, also across the border of the image.
Scene random_scene(ImageSize size, int seed, int shapes) {
  Scene scene = pixel_scene(size);
  Random<float> random(static_cast<std::uint64_t>(seed), 0, 0, Purpose::reset);
  auto const w = static_cast<float>(size.width), h = static_cast<float>(size.height);
  auto const point = [&] {
    float const x = random.uniform(-0.6F * w, 0.6F * w);
    return Point{x, random.uniform(-0.6F * h, 0.6F * h)};
  };
  for (int k = 0; k < shapes; ++k) {
    Point const a = point(), b = point(), c = point();
    float const r = random.uniform(0.6F, 8.F);
    auto const colour =
        static_cast<Colour>(static_cast<std::uint32_t>(random.uniform(0, 255)) << 16);
    if (k % 4 == 0) scene.disc(a, r, colour);
    if (k % 4 == 1) scene.capsule(a, b, 0.5F * r, colour);
    if (k % 4 == 2) scene.box(a, {r, 2 * r}, b.x, colour);
    if (k % 4 == 3) scene.triangle(a, b, c, colour);
  }
  return scene;
}

TEST(Raster, AnEdgeThroughAPixelSharesItExactly) {
  ImageSize const size{9, 5};
  for (float const edge : {0.F, 0.125F, 0.25F, 0.5F, 0.75F}) {
    Scene scene = pixel_scene(size);
    scene.quad({-100, -100}, {edge - 0.5F, -100}, {edge - 0.5F, 100}, {-100, 100}, kBlack);
    Image const image = paint({scene}, size);
    for (int y = 0; y < 5; ++y) {
      EXPECT_EQ(red(image, size, 3, y), 0);
      EXPECT_NEAR(red(image, size, 4, y), 255 * (1 - edge), 1);
      EXPECT_EQ(red(image, size, 5, y), 255);
    }
  }
}

TEST(Raster, AreasAreThoseOfGeometry) {
  ImageSize const size{64, 48};
  // The smoothed edge of a disc adds pi / 12 pixels whatever its radius.
  for (float const radius : {4.F, 7.F, 19.3F}) {
    Scene scene = pixel_scene(size);
    scene.disc({1.3F, -0.7F}, radius, kBlack);
    double const area = math::kPi * double{radius} * radius;
    EXPECT_NEAR(darkness(paint({scene}, size)) / area, 1, 0.01);
  }
  for (float const angle : {0.F, 0.3F, 0.785F, 1.2F}) {
    Scene scene = pixel_scene(size);
    scene.box({-0.4F, 0.9F}, {11.2F, 6.7F}, angle, kBlack);
    EXPECT_NEAR(darkness(paint({scene}, size)) / (4 * 11.2 * 6.7), 1, 0.01);
  }
  // Thinner than a pixel: a line of 0.3 pixels covers 0.3 of its length.
  Scene scene = pixel_scene(size);
  scene.capsule({-15, -10}, {16, 9}, 0.15F, kBlack);
  EXPECT_NEAR(darkness(paint({scene}, size)) / (0.3 * std::hypot(31, 19)), 1, 0.05);
}

TEST(Raster, MirroredScenesGiveMirroredPictures) {
  ImageSize const size{40, 40};
  Scene scene = pixel_scene(size), turned = pixel_scene(size);
  for (auto const& [x, y, r] : {std::array{5.3F, 2.1F, 4.4F}, std::array{-9.6F, 12.F, 2.2F}}) {
    scene.disc({x, y}, r, kBlack);
    scene.capsule({x, y}, {y, x}, 1.3F, Colour::accent);
    turned.disc({-x, -y}, r, kBlack);
    turned.capsule({-x, -y}, {-y, -x}, 1.3F, Colour::accent);
  }
  Image const a = paint({scene}, size), b = paint({turned}, size);
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x)
      ASSERT_NEAR(red(a, size, x, y), red(b, size, 39 - x, 39 - y), 1) << x << " " << y;
}

TEST(Raster, AgreesWithSixteenTimesSixteenSamples) {
  ImageSize const size{61, 37};
  for (int seed = 0; seed < 3; ++seed) {
    Scene const scene = random_scene(size, seed, 12);
    Image const image = paint({scene}, size);
    std::vector<double> const expected = sampled(scene, size);
    double sum = 0, worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double const off = std::abs(image[3 * i] - expected[i]);
      sum += off;
      worst = std::max(worst, off);
    }
    EXPECT_LT(sum / static_cast<double>(expected.size()), 0.6) << seed;
    // Coverage by distance errs most at corners of polygons and at edges across a pixel's diagonal.
    EXPECT_LT(worst, 60) << seed;
  }
}

TEST(Raster, LaterShapesCoverAndFadedOnesMix) {
  ImageSize const size{8, 8};
  Scene scene = pixel_scene(size);
  scene.box({0, 0}, {100, 100}, 0, Colour::warm);
  scene.box({0, 0}, {100, 100}, 0, kBlack);
  EXPECT_EQ(red(paint({scene}, size), size, 4, 4), 0);
  scene.box({0, 0}, {100, 100}, 0, faded(Colour::white, 0.5F));
  EXPECT_NEAR(red(paint({scene}, size), size, 4, 4), 128, 1);
}

TEST(Raster, TheCameraShowsItsWholeFrame) {
  Scene scene;
  scene.camera({10, 5}, 2, 4);
  scene.backdrop = Colour::white;
  scene.box({10, 5}, {2, 1}, 0, kBlack);
  EXPECT_NEAR(darkness(paint({scene}, {80, 40})), 80 * 40, 1e-9);   // fits exactly
  EXPECT_NEAR(darkness(paint({scene}, {80, 80})), 80 * 40, 1e-9);   // as wide as the image
  EXPECT_NEAR(darkness(paint({scene}, {200, 40})), 80 * 40, 1e-9);  // as high as the image
}

TEST(Raster, ShapesThatAreNotNumbersAreNotDrawn) {
  ImageSize const size{20, 20};
  float const nan = std::numeric_limits<float>::quiet_NaN();
  Scene scene = pixel_scene(size);
  scene.disc({nan, 0}, 3, kBlack);
  scene.disc({0, 0}, nan, kBlack);
  scene.capsule({0, 0}, {1, nan}, 2, kBlack);
  scene.box({0, nan}, {1, 1}, 0, kBlack);
  scene.box({0, 0}, {1, 1}, nan, kBlack);
  scene.disc({1e30F, 0}, 1, kBlack);
  scene.disc({0, 0}, -1, kBlack);
  EXPECT_EQ(darkness(paint({scene}, size)), 0);
}

TEST(Raster, ShapesBeyondTheCapacityAreCounted) {
  Scene scene;
  for (int k = 0; k < Scene::kCapacity + 3; ++k) scene.disc({0, 0}, 1, Colour::ink);
  EXPECT_EQ(scene.count, Scene::kCapacity);
  EXPECT_EQ(scene.dropped, 3);
}

TEST(Raster, SameBitsForEveryWidthAndThreadAndForTheBodyOfThreads) {
  ThreadPool pool(2);
  for (ImageSize const size : {ImageSize{64, 64}, {33, 57}, {1, 9}, {17, 1}, {300, 70}}) {
    std::vector<Scene> scenes;
    for (int m = 0; m < 5; ++m) scenes.push_back(random_scene(size, m, 20));
    scenes[1].disc({std::numeric_limits<float>::quiet_NaN(), 0}, 3, kBlack);
    scenes[2].capsule({-1e7F, 3e6F}, {2e7F, -1e6F}, 1e5F, faded(Colour::plum, 0.3F));
    Image const wide = paint(scenes, size);
    EXPECT_EQ(wide, paint(scenes, size, {nullptr, 1}));
    EXPECT_EQ(wide, paint(scenes, size, {nullptr, 8}));
    EXPECT_EQ(wide, paint(scenes, size, {&pool}));
    Image pixels(wide.size());
    raster::PaintPixel const body{scenes, size, pixels};
    for (std::size_t i = 0; i < pixels.size() / 3; ++i) body(Lane<float>{static_cast<int>(i)});
    EXPECT_EQ(wide, pixels);
  }
}

TEST(Raster, SameBitsOnADevice) {
  SKIP_WITHOUT_DEVICE();
  for (ImageSize const size : {ImageSize{64, 64}, {33, 21}}) {
    std::vector<Scene> scenes;
    for (int m = 0; m < 3; ++m) scenes.push_back(random_scene(size, m, 12));
    Image const expected = paint(scenes, size);
    for (Exec const& exec : every_exec()) {
      Buffer<Scene> const input = uploaded(exec, scenes);
      Buffer<std::uint8_t> images(exec, expected.size());
      visit(exec, [&](auto e) { render(e, input, size, images); });
      synchronize(exec);
      EXPECT_EQ(expected, download(images));
    }
  }
}

TEST(Raster, SizesThatDoNotFitAreNamed) {
  std::vector<Scene> const scenes(2);
  Image image(2 * 3 * 16);
  EXPECT_THROW(render(Cpu{}, scenes, {4, 5}, image), ShapeError);
  EXPECT_THROW(render(Cpu{}, scenes, {0, 4}, image), ShapeError);
  EXPECT_THROW(render(Cpu{}, scenes, {9000, 4}, image), ShapeError);
  EXPECT_NO_THROW(render(Cpu{}, scenes, {4, 4}, image));
}

}  // namespace
}  // namespace loom
