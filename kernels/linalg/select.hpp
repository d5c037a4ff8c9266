#pragma once
// Compaction: which flags are set, in order.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Bytes of workspace for n flags.
std::size_t select_workspace(Cpu exec, int n);
std::size_t select_workspace(Gpu exec, int n);

/// indices[0 .. count[0]) = the i with flags[i] != 0, ascending; the rest of indices is left as it
/// is.
///
/// Shapes   flags, indices: (n), n < 2^31; count: (1), on the device; workspace:
/// select_workspace(exec, n)
///          bytes, aligned to 256.
/// Errors   ShapeError if the sizes do not fit.
/// Device   CUB; nothing is allocated, so it can be captured.
void select_indices(Cpu exec, In<std::uint8_t> flags, Out<std::int32_t> indices,
                    Out<std::int32_t> count, Out<std::uint8_t> workspace);
void select_indices(Gpu exec, In<std::uint8_t> flags, Out<std::int32_t> indices,
                    Out<std::int32_t> count, Out<std::uint8_t> workspace);

}  // namespace loom
