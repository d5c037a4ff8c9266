#include <cub/device/device_scan.cuh>
#include <kernels/linalg/cub_call.hpp>
#include <kernels/linalg/scan.hpp>

namespace loom {
namespace {

auto scan(Gpu exec, std::int32_t const* x, std::int32_t* y, int n) {
  return [=](void* temporary, std::size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(temporary, bytes, x, y, n,
                                         static_cast<cudaStream_t>(exec.stream));
  };
}

}  // namespace

std::size_t scan_workspace(Gpu exec, int n) {
  return cub_call::workspace(scan(exec, nullptr, nullptr, n));
}

void exclusive_scan(Gpu exec, In<std::int32_t> x, Out<std::int32_t> y,
                    Out<std::uint8_t> workspace) {
  checks::count("exclusive_scan", x.size);
  checks::same("exclusive_scan", x.size, "the output", y.size);
  if (x.size == 0) return;
  cub_call::run("exclusive_scan", workspace, scan(exec, x.data, y.data, static_cast<int>(x.size)));
}

}  // namespace loom
