#include <kernels/core/arena.hpp>
#include <kernels/core/graph.hpp>
#include <numeric>

#include <tests/device.hpp>
#include <tests/kernels/core/lane_bodies.hpp>

namespace loom {
namespace {

template <class T>
std::vector<T> counted(std::size_t n) {
  std::vector<T> v(n);
  std::iota(v.begin(), v.end(), T(1));
  return v;
}

template <class T>
void round_trip(Exec const& exec) {
  for (std::size_t const n : {0, 1, 63, 1000}) {
    auto const host = counted<T>(n);
    Buffer<T> const buffer = uploaded(exec, host);
    EXPECT_EQ(buffer.size(), n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 256, 0U);
    EXPECT_EQ(download(buffer), host);
    Buffer<T> other(exec, n);
    copy<T>(exec, buffer.in(), other.out());
    EXPECT_EQ(download(other), host);
    fill_zero(exec, other.out());
    EXPECT_EQ(download(other), std::vector<T>(n));
  }
}

TEST(Buffer, ReturnsWhatWasPutIn) {
  for (Exec const& exec : every_exec()) {
    round_trip<float>(exec);
    round_trip<std::int32_t>(exec);
    round_trip<std::uint8_t>(exec);
    round_trip<std::uint64_t>(exec);
  }
}

TEST(Buffer, LendsParts) {
  for (Exec const& exec : every_exec()) {
    auto buffer = uploaded(exec, counted<std::int32_t>(10));
    upload<std::int32_t>(exec, std::vector<std::int32_t>{-1, -2}, buffer.out().slice(4, 2));
    EXPECT_EQ(download(exec, buffer.in().slice(3, 4)), (std::vector<std::int32_t>{4, -1, -2, 7}));
  }
}

TEST(Buffer, MovesItsMemory) {
  for (Exec const& exec : every_exec()) {
    auto from = uploaded(exec, counted<float>(5));
    float const* const data = from.data();
    Buffer<float> to(std::move(from));
    EXPECT_EQ(to.data(), data);
    Buffer<float> other(exec, 3);
    other = std::move(to);
    EXPECT_EQ(other.data(), data);
    EXPECT_EQ(download(other), counted<float>(5));
  }
}

TEST(Buffer, RefusesOtherSizes) {
  for (Exec const& exec : every_exec()) {
    Buffer<float> three(exec, 3), four(exec, 4);
    EXPECT_THROW(copy<float>(exec, three.in(), four.out()), ShapeError);
    EXPECT_THROW(upload<float>(exec, std::vector<float>(3), four.out()), ShapeError);
  }
}

TEST(Arena, HandsOutAlignedPiecesUntilItIsUsedUp) {
  for (Exec const& exec : every_exec()) {
    std::size_t const bytes = Arena::need<float>(3) + Arena::need<std::uint8_t>(300);
    EXPECT_EQ(bytes, 256U + 512U);
    Arena arena(exec, bytes);
    auto const floats = arena.take<float>(3);
    auto const flags = arena.take<std::uint8_t>(300);
    EXPECT_EQ(floats.size, 3U);
    EXPECT_EQ(reinterpret_cast<std::uint8_t*>(floats.data) + 256, flags.data);
    EXPECT_EQ(arena.used(), bytes);
    try {
      arena.take<float>(1);
      FAIL() << "handed out more than there is";
    } catch (ShapeError const& error) {
      EXPECT_STREQ(error.what(), "arena: asked for 256 bytes, 0 of 768 are left");
    }
  }
}

// n counts how often the host's side ran, y how often the kernel did.
TEST(Graph, CapturesAtTheSecondLaunchAndReplays) {
  for (Exec const& exec : every_exec()) {
    auto y = zeros<float>(exec, 100);
    int n = 0;
    Graph graph(exec, [&](Exec const& inside) {
      ++n;
      visit(inside, [&](auto e) { lane_test::count_lanes(e, 100, y.out()); });
    });
    for (int launches = 1; launches <= 5; ++launches) {
      graph.launch();
      synchronize(exec);
      EXPECT_EQ(graph.captured(), !on_cpu(exec) && launches >= 2);
      EXPECT_EQ(n, on_cpu(exec) ? launches : std::min(launches, 2));
      EXPECT_EQ(download(y), std::vector<float>(100, static_cast<float>(launches)));
    }
    Graph moved(std::move(graph));
    moved.launch();
    EXPECT_EQ(download(y), std::vector<float>(100, 6.F));
  }
}

TEST(Graph, SurvivesAnExceptionWhileItIsRecorded) {
  for (Exec const& exec : every_exec()) {
    auto y = zeros<float>(exec, 10);
    int n = 0;
    Graph graph(exec, [&](Exec const& inside) {
      visit(inside, [&](auto e) { lane_test::count_lanes(e, 10, y.out()); });
      if (++n == 2) fail<ConfigError>("second");
    });
    graph.launch();
    EXPECT_THROW(graph.launch(), ConfigError);
    EXPECT_FALSE(graph.captured());
    fill_zero(exec, y.out());
    graph.launch();
    EXPECT_EQ(download(y), std::vector<float>(10, 1.F));
  }
}

TEST(Exec, SaysWhereItRuns) {
  for (Exec const& exec : every_exec()) EXPECT_FALSE(describe(exec).empty());
  EXPECT_NE(describe(Cpu{}).find("1 thread"), std::string::npos);
}

TEST(Error, JoinsItsParts) {
  try {
    require<ConfigError>(false, "replay: asked for ", 256, " samples, holds ", 90);
    FAIL();
  } catch (Error const& error) {
    EXPECT_STREQ(error.what(), "replay: asked for 256 samples, holds 90");
  }
  EXPECT_NO_THROW(require(true, "never"));
}

}  // namespace
}  // namespace loom
