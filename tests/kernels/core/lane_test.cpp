#include <cmath>
#include <kernels/core/launch.hpp>
#include <kernels/core/math.hpp>
#include <kernels/core/thread_pool.hpp>
#include <limits>

#include <kernels/core/buffer.hpp>
#include <tests/device.hpp>
#include <tests/kernels/core/lane_bodies.hpp>

namespace loom {
namespace {

template <class P>
class Packs : public ::testing::Test {};
using Widths = ::testing::Types<Pack<float, 8>, Pack<float, 16>>;
TYPED_TEST_SUITE(Packs, Widths);

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSpecial[] = {0.F,    -0.F, 1.F, -1.F, kNan, std::numeric_limits<float>::infinity(),
                              1e-40F, -3.5F};
constexpr std::int32_t kInts[] = {
    0, 1, -1, 7, -8, 1 << 30, std::numeric_limits<std::int32_t>::min(), 12345};

template <class F, class T, std::size_t N>
auto filled(T const (&values)[N], int rotation) {
  Pack<T, kWidth<F>> p;
  for (int l = 0; l < kWidth<F>; ++l) p.v[l] = values[static_cast<std::size_t>(l + rotation) % N];
  return p;
}

std::int32_t bits(float x) { return x != x ? 0x7fffffff : as_int(x); }

TYPED_TEST(Packs, ComparesSelectsAndMasksLikeOneLane) {
  using F = TypeParam;
  for (int rotation = 0; rotation < 8; ++rotation) {
    auto const a = filled<F>(kSpecial, 0), b = filled<F>(kSpecial, rotation);
    auto const less = mask_bits(a < b), at_most = mask_bits(a <= b), more = mask_bits(a > b),
               at_least = mask_bits(a >= b), equal = mask_bits(a == b), other = mask_bits(a != b),
               both = mask_bits((a < b) & (a != b)), either = mask_bits((a < b) | (a == b)),
               not_less = mask_bits(!(a < b));
    auto const chosen = select(a < b, a, b), low = math::min(a, b), high = math::max(a, b);
    for (int l = 0; l < kWidth<F>; ++l) {
      float const x = a[l], y = b[l];
      auto const bit = [l](std::uint32_t m) { return (m >> l & 1) != 0; };
      EXPECT_EQ(bit(less), x < y);
      EXPECT_EQ(bit(at_most), x <= y);
      EXPECT_EQ(bit(more), x > y);
      EXPECT_EQ(bit(at_least), x >= y);
      EXPECT_EQ(bit(equal), x == y);
      EXPECT_EQ(bit(other), x != y);
      EXPECT_EQ(bit(both), x < y && x != y);
      EXPECT_EQ(bit(either), x < y || x == y);
      EXPECT_EQ(bit(not_less), !(x < y));
      EXPECT_EQ(bits(chosen[l]), bits(x < y ? x : y));
      EXPECT_EQ(bits(low[l]), bits(math::min(x, y))) << x << " " << y;
      EXPECT_EQ(bits(high[l]), bits(math::max(x, y))) << x << " " << y;
    }
  }
  EXPECT_TRUE(all(F(1.F) > F(0.F)));
  EXPECT_FALSE(any(F(1.F) < F(0.F)));
  EXPECT_TRUE(any(filled<F>(kSpecial, 0) < F(0.F)));
  EXPECT_FALSE(all(filled<F>(kSpecial, 0) < F(0.F)));
}

TYPED_TEST(Packs, CountsLikeOneLane) {
  using F = TypeParam;
  for (int rotation = 0; rotation < 8; ++rotation) {
    auto const a = filled<F>(kInts, 0), b = filled<F>(kInts, rotation);
    auto const ua = as_uint(a), ub = as_uint(b);
    auto const sum = ua + ub, product = ua * ub, mixed = (ua ^ ub) & (ua | ub), up = ua << 5,
               down = ua >> 9;
    auto const arithmetic = a >> 9;
    UintOf<F> high, low;
    mul_hi_lo(ua, 0xD2511F53U, high, low);
    auto const less = mask_bits(a < b), below = mask_bits(ua < ub);
    auto const floats = to_float(a);
    auto const back = to_int(filled<F>(kSpecial, 7) * F(0.F) + F(-2.75F));
    for (int l = 0; l < kWidth<F>; ++l) {
      std::uint32_t const x = ua[l], y = ub[l];
      EXPECT_EQ(sum[l], x + y);
      EXPECT_EQ(product[l], x * y);
      EXPECT_EQ(mixed[l], (x ^ y) & (x | y));
      EXPECT_EQ(up[l], x << 5);
      EXPECT_EQ(down[l], x >> 9);
      EXPECT_EQ(arithmetic[l], a[l] >> 9);
      EXPECT_EQ(high[l], static_cast<std::uint32_t>(std::uint64_t{x} * 0xD2511F53U >> 32));
      EXPECT_EQ(low[l], x * 0xD2511F53U);
      EXPECT_EQ((less >> l & 1) != 0, a[l] < b[l]);
      EXPECT_EQ((below >> l & 1) != 0, x < y);
      EXPECT_EQ(floats[l], to_float(a[l]));
      if (std::isfinite(kSpecial[(l + 7) % 8])) {
        EXPECT_EQ(back[l], -2);
      }
    }
  }
}

TYPED_TEST(Packs, LoadStoreGatherAndScatter) {
  using F = TypeParam;
  constexpr int W = kWidth<F>;
  std::vector<float> x(64), y(64, -1.F);
  std::vector<std::uint8_t> flags(64, 9);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  Lane<F> const lane{W};
  store(y.data(), lane, load(x.data(), lane));
  auto const index = IntOf<F>(63) - iota(lane);
  F const picked = gather(x.data(), index);
  store_mask(flags.data(), lane, picked > F(50.F));
  auto const read = mask_bits(load_mask(flags.data(), lane));
  std::vector<float> z(64, -1.F);
  scatter(z.data(), index, F(5.F));
  for (int i = 0; i < 64; ++i) {
    auto const at = static_cast<std::size_t>(i);
    bool const inside = i >= W && i < 2 * W;
    EXPECT_EQ(y[at], inside ? static_cast<float>(i) : -1.F);
    EXPECT_EQ(flags[at], !inside ? 9 : 63 - i > 50 ? 1 : 0);
    EXPECT_EQ(z[at], 63 - i >= W && 63 - i < 2 * W ? 5.F : -1.F);
    if (inside) {
      EXPECT_EQ(picked[i - W], static_cast<float>(63 - i));
      EXPECT_EQ((read >> (i - W) & 1) != 0, 63 - i > 50);
    }
  }
  std::vector<std::int32_t> list(64, -1);
  int n = append(list.data(), 0, iota(lane), picked > F(50.F));
  n = append(list.data(), n, iota(lane), picked < F(-1.F));
  EXPECT_EQ(n, static_cast<int>(std::count_if(flags.begin() + W, flags.begin() + 2 * W,
                                              [](int f) { return f == 1; })));
  for (int i = 0; i < n; ++i) EXPECT_EQ(list[static_cast<std::size_t>(i)], W + i);
}

TEST(Launch, RunsEveryLaneOnceForAnyCount) {
  ThreadPool pool(3);
  auto machines = every_exec();
  machines.emplace_back(Cpu{&pool});
  machines.emplace_back(Cpu{nullptr, 1});
  for (Exec const& exec : machines)
    for (int const n : {0, 1, 15, 16, 17, 63, 64, 65, 4095, 4097, 8193, 20001}) {
      auto counts = zeros<float>(exec, static_cast<std::size_t>(n) + 32);
      visit(exec, [&](auto e) { lane_test::count_lanes(e, n, counts.out()); });
      auto const got = download(counts);
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_EQ(got[i], i < static_cast<std::size_t>(n) ? 1.F : 0.F)
            << "lane " << i << " of " << n;
    }
}

}  // namespace
}  // namespace loom
