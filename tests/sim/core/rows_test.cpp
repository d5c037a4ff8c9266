#include <cmath>
#include <kernels/core/buffer.hpp>
#include <kernels/core/error.hpp>
#include <kernels/core/lane.hpp>
#include <sim/core/rows.hpp>
#include <tests/device.hpp>

namespace loom {
namespace {

constexpr int kN = 130, kFields = 3, kPadded = 192;

// Instance i of field f is the number 1000 f + i, written by hand into its tile.
std::vector<float> numbered_tiles() {
  std::vector<float> tiles(static_cast<std::size_t>(kPadded * kFields), -1.F);
  for (int i = 0; i < kN; ++i)
    for (int f = 0; f < kFields; ++f)
      tiles[static_cast<std::size_t>((i / 64 * kFields + f) * 64 + i % 64)] =
          static_cast<float>(1000 * f + i);
  return tiles;
}
std::vector<float> numbered_rows() {
  std::vector<float> rows;
  for (int i = 0; i < kN; ++i)
    for (int f = 0; f < kFields; ++f) rows.push_back(static_cast<float>(1000 * f + i));
  return rows;
}

TEST(Rows, ComeOutOfTilesInstanceByInstance) {
  for (Exec const& exec : every_exec()) {
    Buffer<float> const tiles = uploaded(exec, numbered_tiles());
    Buffer<float> rows(exec, static_cast<std::size_t>(kN * kFields));
    visit(exec, [&](auto e) {
      rows_from_tiles(e, {tiles.data(), kFields}, {rows.data(), kN, kFields});
    });
    EXPECT_EQ(download(rows), numbered_rows());
  }
}

TEST(Rows, GoIntoTilesAndLeaveThePaddingAlone) {
  for (Exec const& exec : every_exec()) {
    Buffer<float> const rows = uploaded(exec, numbered_rows());
    Buffer<float> tiles =
        uploaded(exec, std::vector<float>(static_cast<std::size_t>(kPadded * kFields), -1.F));
    visit(exec, [&](auto e) {
      tiles_from_rows(e, InRows<float>{rows.data(), kN, kFields}, 0.F, 1e9F,
                      Tiles<float>{tiles.data(), kFields});
    });
    EXPECT_EQ(download(tiles), numbered_tiles());
  }
}

TEST(Rows, OfAPolicyBecomeActionsOfTheSpace) {
  std::vector<float> const chosen{-3.F, 0.F, 1.F, 2.F, 7.F, std::nanf("")};
  int const n = static_cast<int>(chosen.size());
  for (Exec const& exec : every_exec()) {
    Buffer<float> const rows = uploaded(exec, chosen);
    auto const tiles_of = [&](ActionSpace const& space) {
      Buffer<float> tiles = zeros<float>(exec, 64);
      visit(exec, [&](auto e) {
        actions_from_rows(e, InRows<float>{rows.data(), n, 1}, space,
                          Tiles<float>{tiles.data(), 1});
      });
      std::vector<float> all = download(tiles);
      all.resize(chosen.size());
      return all;
    };
    std::vector<std::int32_t> indices;
    for (float word : tiles_of(Discrete{3})) indices.push_back(as_int(word));
    EXPECT_EQ(indices, (std::vector<std::int32_t>{0, 0, 1, 2, 2, 0}));
    EXPECT_EQ(tiles_of(Continuous{1, -2.F, 1.5F}),
              (std::vector<float>{-2.F, 0.F, 1.F, 1.5F, 1.5F, -2.F}));
  }
  std::vector<float> tiles(64);
  EXPECT_THROW(actions_from_rows(Cpu{}, InRows<float>{chosen.data(), 3, 2}, Discrete{3},
                                 Tiles<float>{tiles.data(), 2}),
               ShapeError);
}

TEST(Rows, AreClippedOnTheirWayIn) {
  for (Exec const& exec : every_exec()) {
    Buffer<std::int32_t> const rows =
        uploaded(exec, std::vector<std::int32_t>{-7, 0, 1, 2, 2147483647});
    Buffer<std::int32_t> tiles = zeros<std::int32_t>(exec, 64);
    visit(exec, [&](auto e) {
      tiles_from_rows(e, InRows<std::int32_t>{rows.data(), 5, 1}, 0, 2,
                      Tiles<std::int32_t>{tiles.data(), 1});
    });
    std::vector<std::int32_t> const all = download(tiles);
    EXPECT_EQ(std::vector<std::int32_t>(all.begin(), all.begin() + 6),
              (std::vector<std::int32_t>{0, 0, 1, 2, 2, 0}));
  }
}

TEST(Rows, RefuseOtherWidths) {
  std::vector<float> x(64), y(64);
  EXPECT_THROW(rows_from_tiles(Cpu{}, {x.data(), 1}, {y.data(), 1, 2}), ShapeError);
  EXPECT_THROW(
      tiles_from_rows(Cpu{}, InRows<float>{x.data(), 1, 2}, 0.F, 1.F, Tiles<float>{y.data(), 1}),
      ShapeError);
}

}  // namespace
}  // namespace loom
