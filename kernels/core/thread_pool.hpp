#pragma once
// A small pool of threads behind Cpu: static slices, a short spin, then sleep.
#include <atomic>
#include <cstdint>
#include <exception>
#include <kernels/core/machine.hpp>
#include <thread>
#include <vector>

namespace loom {

/// Runs numbered tasks on `threads` threads, the caller being one of them. Task t always runs on
/// thread t % threads, so what a thread touches is the same in every run.
class ThreadPool {
 public:
  /// threads >= 1. Throws ConfigError otherwise.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(ThreadPool const&) = delete;
  ThreadPool& operator=(ThreadPool const&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls f(task) for every task in [0, tasks) and returns when all are done. The first exception
  /// is thrown again here. One caller at a time; inside a task use the calling thread alone.
  template <class F>
  void run(int tasks, F const& f) {
    run(
        tasks, [](void const* self, int task) { (*static_cast<F const*>(self))(task); }, &f);
  }

 private:
  using Call = void (*)(void const*, int);
  void run(int tasks, Call call, void const* self);
  void work(int thread);
  void slice(int thread) noexcept;

  std::vector<std::thread> workers_;
  Call call_ = nullptr;
  void const* self_ = nullptr;
  int tasks_ = 0;
  bool stop_ = false;
  std::atomic<std::uint32_t> round_{0};  // odd and even rounds alike: a change means work
  std::atomic<int> running_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

/// f(task) for tasks [0, tasks): on the pool when there is one, else in order in this thread.
template <class F>
void parallel(Cpu exec, int tasks, F const& f) {
  if (exec.pool != nullptr && tasks > 1)
    exec.pool->run(tasks, f);
  else
    for (int task = 0; task < tasks; ++task) f(task);
}

/// Threads that `exec` computes with.
inline int num_threads(Cpu exec) { return exec.pool == nullptr ? 1 : exec.pool->threads(); }

}  // namespace loom
