#pragma once
// Rows by index: the minibatch gather. The one place where tiles turn into row-major matrices.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// to[r] = from[index[r]]: rows of a row-major matrix.
///
/// Shapes   from: (n, fields), any stride; index: (rows), each in [0, n); to: (rows, fields).
/// Types    float, std::int32_t, std::uint8_t.
/// Errors   ShapeError if the sizes differ. Indices are not checked.
template <class T>
void gather_rows(Cpu exec, InRows<T> from, In<std::int32_t> index, OutRows<T> to);
template <class T>
void gather_rows(Gpu exec, InRows<T> from, In<std::int32_t> index, OutRows<T> to);

/// to[r][f] = from(f, index[r]): instances in tiles of 64 become rows.
///
/// Shapes   from: [tiles][fields][64] elements, so a rollout [T][N/64][fields][64] has the index
///          t * padded_to_tile(N) + instance; to: (rows, fields), where fields = to.cols.
/// Types    float, std::int32_t, std::uint8_t.
/// Errors   ShapeError if the sizes differ. Indices are not checked.
template <class T>
void gather_tiles(Cpu exec, In<T> from, In<std::int32_t> index, OutRows<T> to);
template <class T>
void gather_tiles(Gpu exec, In<T> from, In<std::int32_t> index, OutRows<T> to);

}  // namespace loom
