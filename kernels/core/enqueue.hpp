#pragma once
// enqueue(exec, grid, threads, shared, kernel, arguments ...): the one place that starts kernels.
#include <cuda_runtime.h>

#include <kernels/core/device.hpp>

namespace loom {

/// On exec's stream, and on its device whichever is the thread's current one: it becomes that.
/// shared: bytes of dynamic shared memory a block. Throws CudaError when the launch is refused.
template <class... Parameters, class... Arguments>
void enqueue(Gpu exec, dim3 grid, int threads, std::size_t shared, void (*kernel)(Parameters...),
             Arguments const&... arguments) {
  CUDA_CHECK(cudaSetDevice(exec.device));
  kernel<<<grid, static_cast<unsigned>(threads), shared, static_cast<cudaStream_t>(exec.stream)>>>(
      arguments...);
  CUDA_CHECK(cudaGetLastError());
}

}  // namespace loom
