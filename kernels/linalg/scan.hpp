#pragma once
// Prefix sums.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Bytes of workspace for n elements.
std::size_t scan_workspace(Cpu exec, int n);
std::size_t scan_workspace(Gpu exec, int n);

/// y[i] = x[0] + ... + x[i - 1]; y[0] = 0. Wraps on overflow.
///
/// Shapes   x, y: (n), n < 2^31; y may alias x; workspace: scan_workspace(exec, n) bytes, aligned
/// to 256. Errors   ShapeError if the sizes do not fit. Device   CUB; nothing is allocated, so it
/// can be captured.
void exclusive_scan(Cpu exec, In<std::int32_t> x, Out<std::int32_t> y, Out<std::uint8_t> workspace);
void exclusive_scan(Gpu exec, In<std::int32_t> x, Out<std::int32_t> y, Out<std::uint8_t> workspace);

}  // namespace loom
