#pragma once
// How full a device is.
#include <cstddef>
#include <kernels/core/exec.hpp>

namespace loom {

/// Bytes of a Gpu's memory that are in use, by this process or another; 0 on a Cpu.
std::size_t device_memory_in_use(Exec const& exec);
#if DREAMLOOM_WITH_CUDA
namespace device {
std::size_t memory_in_use(Gpu gpu);
}
#endif

}  // namespace loom
