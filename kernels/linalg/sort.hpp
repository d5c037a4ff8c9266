#pragma once
// Sorting values by key.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Bytes of workspace for n pairs.
std::size_t sort_workspace(Cpu exec, int n);
std::size_t sort_workspace(Gpu exec, int n);

/// Ascending by the lowest `bits` bits of the key; equal keys keep their order.
///
/// Shapes   all: (n), n < 2^31; outputs do not alias inputs; workspace: sort_workspace(exec, n)
/// bytes, aligned
///          to 256; 1 <= bits <= 32.
/// Errors   ShapeError if the sizes do not fit.
/// Source   least-significant-digit radix sort; on the device CUB's. Stable, so both give the same
/// result.
void sort_pairs(Cpu exec, In<std::uint32_t> keys, In<std::int32_t> values,
                Out<std::uint32_t> sorted_keys, Out<std::int32_t> sorted_values,
                Out<std::uint8_t> workspace, int bits = 32);
void sort_pairs(Gpu exec, In<std::uint32_t> keys, In<std::int32_t> values,
                Out<std::uint32_t> sorted_keys, Out<std::int32_t> sorted_values,
                Out<std::uint8_t> workspace, int bits = 32);

}  // namespace loom
