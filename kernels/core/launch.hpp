#pragma once
// launch(exec, n, body): runs a lane kernel over lanes [0, n).
#include <kernels/core/lane.hpp>
#if defined(__CUDACC__)
#include <kernels/core/enqueue.hpp>
#else
#include <algorithm>
#include <kernels/core/thread_pool.hpp>
#endif

namespace loom {

/// Lanes a CPU thread takes at least; below it a second thread costs more than it brings.
inline constexpr int kGrain = 4096;

#if defined(__CUDACC__)

inline constexpr int kThreads = 128;

template <class Body>
__global__ void __launch_bounds__(kThreads, 4) lane_kernel(int n, Body const body) {
  int const i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) body(Lane<float>{i});
}

template <class Body>
void launch(Gpu exec, int n, Body const& body, int /*grain*/ = 0) {
  if (n == 0) return;
  enqueue(exec, static_cast<unsigned>((n + kThreads - 1) / kThreads), kThreads, 0,
          lane_kernel<Body>, n, body);
}

/// Runs a body that knows single lanes only.
template <class Body>
void launch_scalar(Gpu exec, int n, Body const& body) {
  launch(exec, n, body);
}

#else

template <class F, class Body>
HD void run_lanes(Body const& body, int begin, int end) {
  int i = begin;
  for (; i + kWidth<F> <= end; i += kWidth<F>) body(Lane<F>{i});
  for (; i < end; ++i) body(Lane<float>{i});
}

/// run(Lane<F>{0}) with the F that exec computes with, for bodies that walk their lanes themselves.
template <class Run>
void with_lanes(Cpu exec, Run const& run) {
  if (exec.lanes == 1)
    run(Lane<float>{0});
  else if (exec.lanes == 8)
    run(Lane<Pack<float, 8> >{0});
  else
    run(Lane<Wide>{0});
}

/// Runs run(begin, end) over static slices of [0, n), each a multiple of 64 lanes but the last.
template <class Run>
void for_slices(Cpu exec, int n, int grain, Run const& run) {
  int const slices = std::min(num_threads(exec), (n + grain - 1) / grain);
  if (slices <= 1) return run(0, n);
  int const size = padded_to_tile((n + slices - 1) / slices);
  parallel(exec, slices, [&](int s) { run(std::min(n, s * size), std::min(n, (s + 1) * size)); });
}

template <class Body>
void launch(Cpu exec, int n, Body const& body, int grain = kGrain) {
  for_slices(exec, n, grain, [&](int begin, int end) {
    if (exec.lanes == 1)
      run_lanes<float>(body, begin, end);
    else
      run_lanes<Wide>(body, begin, end);
  });
}

template <class Body>
void launch_scalar(Cpu exec, int n, Body const& body) {
  for_slices(exec, n, 1, [&](int begin, int end) {
    for (int i = begin; i < end; ++i) body(Lane<float>{i});
  });
}

#endif

}  // namespace loom
