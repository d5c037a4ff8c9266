#include <algorithm>
#include <kernels/core/error.hpp>
#include <kernels/dream/replay.hpp>
#include <map>
#include <set>

#include <tests/kernels/nn/machines.hpp>

namespace loom {
namespace {

TEST(Replay, MarksWhatFollowsAnEnd) {
  std::vector<float> const reward{1, 2, 3, 4};
  std::vector<std::uint8_t> const terminated{0, 1, 0, 0}, truncated{0, 0, 1, 0};
  for (Exec const& exec : every_machine()) {
    auto const r = uploaded(exec, reward);
    auto const t = uploaded(exec, terminated), u = uploaded(exec, truncated);
    Buffer<std::uint8_t> ended(exec, 3);
    Buffer<float> first(exec, 3), next(exec, 3), goes_on(exec, 3);
    visit(exec, [&](auto e) {
      replay_marks(e, 0.99F, r.in(), t.in(), u.in(),
                   {ended.out(), first.out(), next.out(), goes_on.out()});
    });
    EXPECT_EQ(download(ended), (std::vector<std::uint8_t>{0, 1, 1}));
    EXPECT_EQ(download(first), (std::vector<float>{0, 1, 1}));
    EXPECT_EQ(download(next), (std::vector<float>{1, 0, 0}));
    EXPECT_EQ(download(goes_on), (std::vector<float>{.99F, 0, .99F}));
  }
}

TEST(Replay, ClaimsGoAroundTheRing) {
  ReplayShape const shape{3, 4};
  for (Exec const& exec : every_machine()) {
    auto count = zeros<std::uint32_t>(exec, 3);
    Buffer<std::int32_t> place(exec, 3);
    auto const mask = uploaded(exec, std::vector<std::uint8_t>{1, 0, 1, 9});
    auto const claim = [&](In<std::uint8_t> m) {
      visit(exec, [&](auto e) { replay_claim(e, shape, m, count.out(), place.out()); });
      return download(place);
    };
    EXPECT_EQ(claim({}), (std::vector<std::int32_t>{0, 4, 8}));
    EXPECT_EQ(claim(mask.in()), (std::vector<std::int32_t>{1, -1, 9}));
    EXPECT_EQ(claim({}), (std::vector<std::int32_t>{2, 5, 10}));
    claim({});
    EXPECT_EQ(claim({}), (std::vector<std::int32_t>{0, 7, 8}));
    EXPECT_EQ(download(count), (std::vector<std::uint32_t>{5, 4, 5}));
  }
}

struct Ring {
  ReplayShape shape{4, 50};
  std::vector<std::uint32_t> count{50, 73, 20, 1234};
  /// Record number of a place, by instance; what has been overwritten is not there.
  std::map<std::int32_t, std::uint32_t> numbers() const {
    std::map<std::int32_t, std::uint32_t> all;
    for (int i = 0; i < shape.instances; ++i) {
      std::uint32_t const n = count[static_cast<std::size_t>(i)];
      for (std::uint32_t k = n - std::min(n, 50U); k < n; ++k)
        all[i * 50 + static_cast<std::int32_t>(k % 50)] = k;
    }
    return all;
  }
};

TEST(Replay, SequencesAreWholeAndUniformOverTheirBeginnings) {
  Ring const ring;
  auto const numbers = ring.numbers();
  ReplayDraw const draw{9, 64, 8, 0};
  std::vector<std::int32_t> first;
  for (Exec const& exec : every_machine()) {
    auto const count = uploaded(exec, ring.count);
    auto taken = zeros<std::uint32_t>(exec, 4);
    Buffer<std::int32_t> place(exec, 64 * 8);
    std::map<std::int32_t, double> begins;
    std::vector<std::int32_t> all;
    for (std::uint32_t tick = 0; tick < 300; ++tick) {
      auto const now = uploaded(exec, std::vector<std::uint32_t>{tick});
      visit(exec, [&](auto e) {
        replay_sample(e, ring.shape, draw, count.in(), taken.out(), now.in(), place.out());
      });
      auto const got = download(place);
      all.insert(all.end(), got.begin(), got.end());
      for (int b = 0; b < 64; ++b) {
        std::int32_t const begin = got[static_cast<std::size_t>(b)];
        begins[begin] += 1;
        for (int t = 0; t < 8; ++t) {
          std::int32_t const at = got[static_cast<std::size_t>(t * 64 + b)];
          ASSERT_EQ(at / 50, begin / 50);
          ASSERT_TRUE(numbers.contains(at));
          ASSERT_EQ(numbers.at(at), numbers.at(begin) + static_cast<std::uint32_t>(t));
        }
      }
    }
    if (first.empty()) first = all;
    EXPECT_EQ(all, first) << describe(exec);
    // A quarter an instance, then 43 beginnings (13 of the short one).
    std::vector<double> counts, expected;
    for (auto const& [at, n] : numbers) {
      int const instance = at / 50;
      std::uint32_t const total = ring.count[static_cast<std::size_t>(instance)];
      if (n + 8 > total) {
        EXPECT_FALSE(begins.contains(at));
        continue;
      }
      counts.push_back(begins[at]);
      expected.push_back(300 * 64 / 4. / (instance == 2 ? 13 : 43));
    }
    // 142 beginnings: the statistic is 141 +- 17.
    EXPECT_LT(chi_square(counts, expected), 141 + 5 * 17);
  }
}

TEST(Replay, TheNewestRecordsAreTakenOnce) {
  ReplayShape const shape{3, 100};
  ReplayDraw const draw{9, 8, 5, 2};
  for (Exec const& exec : every_machine()) {
    auto const count = uploaded(exec, std::vector<std::uint32_t>{12, 7, 64});
    auto taken = zeros<std::uint32_t>(exec, 3);
    Buffer<std::int32_t> place(exec, 8 * 5);
    std::vector<std::uint32_t> after;
    for (std::uint32_t tick = 0; tick < 6; ++tick) {
      auto const now = uploaded(exec, std::vector<std::uint32_t>{tick});
      visit(exec, [&](auto e) {
        replay_sample(e, shape, draw, count.in(), taken.out(), now.in(), place.out());
      });
      after = download(taken);
      if (tick == 0) {
        // Instance 0: 12 wait, more than two sequences, so the last five; 1: all of five from 0.
        EXPECT_EQ(after, (std::vector<std::uint32_t>{12, 5, 0}));
        auto const got = download(place);
        EXPECT_EQ(got[0], 7);
        EXPECT_EQ(got[1], 100);
      }
    }
    EXPECT_EQ(after, (std::vector<std::uint32_t>{12, 5, 64}));
  }
}

TEST(Replay, EveryRecordIsWrittenBackOnceByTheLastThatHoldsIt) {
  ReplayShape const shape{2, 20};
  int const length = 6, sequences = 40;
  std::mt19937 engine(4);
  std::vector<std::int32_t> place(static_cast<std::size_t>(length * sequences));
  for (int b = 0; b < sequences; ++b) {
    int const instance = static_cast<int>(engine() % 2), begin = static_cast<int>(engine() % 20);
    for (int t = 0; t < length; ++t)
      place[static_cast<std::size_t>(t * sequences + b)] = instance * 20 + (begin + t) % 20;
  }
  std::map<std::int32_t, int> last;  // of rows 1 and up, the last sequence of a record
  for (int t = 1; t < length; ++t)
    for (int b = 0; b < sequences; ++b) {
      int& at = last[place[static_cast<std::size_t>(t * sequences + b)]];
      at = std::max(at, b);
    }
  for (Exec const& exec : every_machine()) {
    auto const x = uploaded(exec, place);
    Buffer<std::int32_t> target(exec, static_cast<std::size_t>((length - 1) * sequences));
    visit(exec, [&](auto e) {
      replay_targets(e, shape, {x.data(), length, sequences}, target.out());
    });
    auto const got = download(target);
    for (int t = 1; t < length; ++t)
      for (int b = 0; b < sequences; ++b) {
        std::int32_t const at = place[static_cast<std::size_t>(t * sequences + b)];
        EXPECT_EQ(got[static_cast<std::size_t>((t - 1) * sequences + b)], last[at] == b ? at : -1)
            << t << ", " << b;
      }
  }
}

TEST(Replay, SaysWhatDoesNotFit) {
  std::vector<std::uint32_t> count(3), tick(1);
  std::vector<std::int32_t> place(3), many(40);
  std::vector<std::uint8_t> mask(2);
  EXPECT_THROW(replay_claim(Cpu{}, {0, 4}, {}, count, place), ShapeError);
  EXPECT_THROW(replay_claim(Cpu{}, {1 << 20, 1 << 20}, {}, count, place), ShapeError);
  EXPECT_THROW(replay_claim(Cpu{}, {3, 4}, mask, count, place), ShapeError);
  auto const sample = [&](ReplayDraw const& draw) {
    replay_sample(Cpu{}, {3, 4}, draw, count, count, tick, many);
  };
  EXPECT_THROW(sample({0, 8, 5, 0}), ShapeError);
  EXPECT_THROW(sample({0, 8, 4, 0}), ShapeError);
  EXPECT_THROW(sample({0, 10, 4, 4}), ShapeError);
  EXPECT_THROW(replay_targets(Cpu{}, {3, 4}, {many.data(), 1, 40}, many), ShapeError);
}

}  // namespace
}  // namespace loom
