#pragma once
// Rows to where an index says: the way back of gather_rows.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// to[index[r]] = from[r]; rows with a negative index go nowhere.
///
/// Shapes   from: (rows, fields), any stride; index: (rows), each below n and no two alike; to: (n, fields).
/// Errors   ShapeError if the sizes differ. Indices are not checked.
void scatter_rows(Cpu exec, InRows<float> from, In<std::int32_t> index, OutRows<float> to);
void scatter_rows(Gpu exec, InRows<float> from, In<std::int32_t> index, OutRows<float> to);
void scatter_rows(Cpu exec, InRows<std::uint8_t> from, In<std::int32_t> index,
                  OutRows<std::uint8_t> to);
void scatter_rows(Gpu exec, InRows<std::uint8_t> from, In<std::int32_t> index,
                  OutRows<std::uint8_t> to);

}  // namespace loom
