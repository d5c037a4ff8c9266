#include <cuda_runtime_api.h>

#include <kernels/core/device.hpp>
#include <sim/c/current_device.hpp>

namespace loom::c {

CurrentDevice<Gpu>::CurrentDevice(Gpu gpu) {
  CUDA_CHECK(cudaGetDevice(&before_));
  if (before_ != gpu.device) CUDA_CHECK(cudaSetDevice(gpu.device));
}

CurrentDevice<Gpu>::~CurrentDevice() { cudaSetDevice(before_); }

}  // namespace loom::c
