#include <gtest/gtest.h>

#include <atomic>
#include <kernels/core/error.hpp>
#include <kernels/core/thread_pool.hpp>
#include <mutex>
#include <set>

namespace loom {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int const threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int const tasks : {0, 1, 2, 3, 7, 100}) {
      std::vector<std::atomic<int>> ran(static_cast<std::size_t>(tasks));
      pool.run(tasks, [&](int task) { ++ran[static_cast<std::size_t>(task)]; });
      for (auto const& count : ran)
        EXPECT_EQ(count, 1) << threads << " threads, " << tasks << " tasks";
    }
  }
}

TEST(ThreadPool, GivesATaskToTheSameThreadInEveryRun) {
  ThreadPool pool(3);
  std::vector<std::thread::id> first(7);
  pool.run(7,
           [&](int task) { first[static_cast<std::size_t>(task)] = std::this_thread::get_id(); });
  EXPECT_EQ(first[0], std::this_thread::get_id());
  for (std::size_t task = 0; task < 7; ++task) EXPECT_EQ(first[task], first[task % 3]);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 3U);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread::id> again(7);
    pool.run(7,
             [&](int task) { again[static_cast<std::size_t>(task)] = std::this_thread::get_id(); });
    ASSERT_EQ(again, first);
  }
}

TEST(ThreadPool, SeesWhatEarlierRunsWrote) {
  ThreadPool pool(3);
  // Every round reads what another thread wrote in the round before.
  std::vector<int> before(64), after(64);
  for (int round = 0; round < 2000; ++round) {
    pool.run(64, [&](int task) {
      after[static_cast<std::size_t>(task)] = before[static_cast<std::size_t>((task + 1) % 64)] + 1;
    });
    std::swap(before, after);
  }
  for (int v : before) ASSERT_EQ(v, 2000);
}

TEST(ThreadPool, ThrowsAgainWhatATaskThrew) {
  ThreadPool pool(3);
  for (int const culprit : {0, 1, 5}) {
    std::atomic<int> others{0};
    try {
      pool.run(6, [&](int task) {
        if (task == culprit) fail<ShapeError>("task ", task);
        ++others;
      });
      FAIL() << "no exception";
    } catch (ShapeError const& error) {
      EXPECT_STREQ(error.what(), ("task " + std::to_string(culprit)).c_str());
    }
    // The other threads finished theirs, and the pool is as good as new.
    EXPECT_GE(others, 4 - 2);
    std::atomic<int> ran{0};
    pool.run(6, [&](int) { ++ran; });
    EXPECT_EQ(ran, 6);
  }
}

TEST(ThreadPool, NeedsAThread) {
  EXPECT_THROW(ThreadPool(0), ConfigError);
  EXPECT_THROW(ThreadPool(-3), ConfigError);
}

TEST(Parallel, RunsInOrderInTheCallingThreadWithoutAPool) {
  std::vector<int> order;
  parallel(Cpu{}, 4, [&](int task) { order.push_back(task); });
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
}

}  // namespace
}  // namespace loom
