#pragma once
// Between the tiles that instances live in and the row-major matrices of the world outside.
#include <kernels/core/view.hpp>
#include <sim/core/spec.hpp>

namespace loom {

/// rows(i, f) = tiles(f, i).
///
/// Shapes   tiles: [n/64][rows.cols][64], n >= rows.rows.
void rows_from_tiles(Cpu exec, Tiles<float const> tiles, OutRows<float> rows);
void rows_from_tiles(Gpu exec, Tiles<float const> tiles, OutRows<float> rows);

/// tiles(f, i) = clamp(rows(i, f), low, high); integers are stored as they are, bit for bit.
///
/// Shapes   tiles: [n/64][rows.cols][64], n >= rows.rows; instances from rows.rows on stay as they were.
/// Types    float, std::int32_t.
template <class T>
void tiles_from_rows(Cpu exec, InRows<T> rows, T low, T high, Tiles<T> tiles);
template <class T>
void tiles_from_rows(Gpu exec, InRows<T> rows, T low, T high, Tiles<T> tiles);

/// A policy's actions: clipped to the space, and discrete ones, indices as floats, made integers.
///
/// Shapes   as tiles_from_rows; rows.cols == space.fields().
void actions_from_rows(Cpu exec, InRows<float> rows, ActionSpace const& space, Tiles<float> tiles);
void actions_from_rows(Gpu exec, InRows<float> rows, ActionSpace const& space, Tiles<float> tiles);

}  // namespace loom
