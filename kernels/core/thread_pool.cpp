#include <kernels/core/error.hpp>
#include <kernels/core/thread_pool.hpp>
#include <utility>

namespace loom {
namespace {

// About 20 us: longer than the gap between two kernels of an update, shorter than a time slice.
constexpr int kSpins = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Returns once `value` differs from `old`.
template <class T>
void await_change(std::atomic<T> const& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  require<ConfigError>(threads >= 1, "thread pool: asked for ", threads,
                       " threads (needs 1 or more)");
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::slice(int thread) noexcept {
  try {
    for (int task = thread; task < tasks_; task += threads()) call_(self_, task);
  } catch (...) {
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }
}

void ThreadPool::work(int thread) {
  for (std::uint32_t seen = 0;; ++seen) {
    await_change(round_, seen);
    if (stop_) return;
    slice(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

void ThreadPool::run(int tasks, Call call, void const* self) {
  call_ = call;
  self_ = self;
  tasks_ = tasks;
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  slice(0);
  for (int left = running_.load(std::memory_order_acquire); left != 0;
       left = running_.load(std::memory_order_acquire))
    await_change(running_, left);
  if (failed_.exchange(false)) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace loom
