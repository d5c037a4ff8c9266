#pragma once
// launch_rows(exec, rows, cols, body): body(row, col) for every element of a row-major matrix.
//
// For moving data: a GPU thread takes one element, neighbours lie along a row; a CPU thread walks
// its rows, so that the compiler sees plain loops without division.
#include <kernels/core/launch.hpp>

namespace loom {

#if defined(__CUDACC__)

template <class Body>
__global__ void __launch_bounds__(kThreads)
    rows_kernel(unsigned elements, unsigned cols, Body const body) {
  unsigned const i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= elements) return;
  unsigned const row = i / cols;
  body(static_cast<int>(row), static_cast<int>(i - row * cols));
}

template <class Body>
void launch_rows(Gpu exec, int rows, int cols, Body const& body) {
  std::int64_t const elements = static_cast<std::int64_t>(rows) * cols;
  require(elements < (std::int64_t{1} << 31), "launch_rows: ", rows, " rows of ", cols,
          " (at most 2^31 elements)");
  if (elements == 0) return;
  enqueue(exec, static_cast<unsigned>((elements + kThreads - 1) / kThreads), kThreads, 0,
          rows_kernel<Body>, static_cast<unsigned>(elements), static_cast<unsigned>(cols), body);
}

#else

template <class Body>
void launch_rows(Cpu exec, int rows, int cols, Body const& body) {
  int const grain = kGrain / std::max(1, cols) + 1;
  for_slices(exec, rows, grain, [&](int begin, int end) {
    for (int row = begin; row < end; ++row)
      for (int col = 0; col < cols; ++col) body(row, col);
  });
}

#endif

}  // namespace loom
