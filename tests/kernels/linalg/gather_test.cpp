#include <kernels/core/buffer.hpp>
#include <kernels/core/graph.hpp>
#include <kernels/linalg/gather.hpp>
#include <numeric>
#include <tests/device.hpp>

namespace loom {
namespace {

template <class T>
class Gather : public ::testing::Test {};
using Types = ::testing::Types<float, std::int32_t, std::uint8_t>;
TYPED_TEST_SUITE(Gather, Types);

template <class T>
std::vector<T> counted(std::size_t n) {
  std::vector<T> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<T>(i * 7 % 251);
  return v;
}

std::vector<std::int32_t> scattered(int rows, int n) {
  std::vector<std::int32_t> index;
  for (int r = 0; r < rows; ++r) index.push_back(static_cast<int>((r * 7919LL + 13) % n));
  return index;
}

TYPED_TEST(Gather, TakesRowsOfAnyWidthAndStride) {
  for (Exec const& exec : every_exec())
    for (int const cols : {1, 3, 4, 16, 33})
      for (int const padding : {0, 1, 16}) {
        int const n = 50, rows = 77, stride = cols + padding;
        auto const from = counted<TypeParam>(static_cast<std::size_t>(n * stride));
        auto const index = scattered(rows, n);
        auto const device_from = uploaded(exec, from);
        auto const device_index = uploaded(exec, index);
        auto to = zeros<TypeParam>(exec, static_cast<std::size_t>(rows * stride));
        visit(exec, [&](auto e) {
          gather_rows(e, InRows<TypeParam>(device_from.data(), n, cols, stride), device_index.in(),
                      OutRows<TypeParam>(to.data(), rows, cols, stride));
        });
        auto const got = download(to);
        for (int r = 0; r < rows; ++r)
          for (int c = 0; c < stride; ++c)
            ASSERT_EQ(got[static_cast<std::size_t>(r * stride + c)],
                      c < cols ? from[static_cast<std::size_t>(
                                     index[static_cast<std::size_t>(r)] * stride + c)]
                               : TypeParam(0))
                << cols << " columns, stride " << stride << ", row " << r << ", column " << c;
      }
}

TYPED_TEST(Gather, TurnsTilesIntoRows) {
  int const times = 3, instances = 100, padded = padded_to_tile(instances);
  for (Exec const& exec : every_exec())
    for (int const fields : {1, 5, 17}) {
      // The value names its place; 8 bits of it are enough to tell neighbours apart.
      auto const value = [](int t, int field, int instance) {
        return static_cast<TypeParam>((t * 31 + field * 5 + instance) % 251);
      };
      std::vector<TypeParam> from(static_cast<std::size_t>(times * padded * fields));
      for (int t = 0; t < times; ++t)
        for (int f = 0; f < fields; ++f)
          for (int i = 0; i < instances; ++i)
            from[static_cast<std::size_t>(((t * padded / 64 + i / 64) * fields + f) * 64 +
                                          i % 64)] = value(t, f, i);
      std::vector<std::int32_t> index;
      for (int t = times - 1; t >= 0; --t)
        for (int i = instances - 1; i >= 0; --i) index.push_back(t * padded + i);
      int const rows = times * instances;
      auto const device_from = uploaded(exec, from);
      auto const device_index = uploaded(exec, index);
      Buffer<TypeParam> to(exec, static_cast<std::size_t>(rows * fields));
      visit(exec, [&](auto e) {
        gather_tiles(e, device_from.in(), device_index.in(),
                     OutRows<TypeParam>(to.data(), rows, fields));
      });
      auto const got = download(to);
      for (int r = 0; r < rows; ++r)
        for (int f = 0; f < fields; ++f)
          ASSERT_EQ(got[static_cast<std::size_t>(r * fields + f)],
                    value(times - 1 - r / instances, f, instances - 1 - r % instances));
    }
}

TEST(GatherErrors, NameTheSizes) {
  std::vector<float> from(64), to(6);
  std::vector<std::int32_t> index(3);
  EXPECT_THROW(
      gather_rows(Cpu{}, InRows<float>(from.data(), 16, 4), index, OutRows<float>(to.data(), 3, 2)),
      ShapeError);
  EXPECT_THROW(gather_tiles(Cpu{}, In<float>(from), index, OutRows<float>(to.data(), 3, 2)),
               ShapeError);
}

}  // namespace
}  // namespace loom
