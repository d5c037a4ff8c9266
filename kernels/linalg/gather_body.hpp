#pragma once
#include <kernels/core/view.hpp>

namespace loom {

/// Moves whole words of a row; W is the widest word that divides rows, strides and addresses.
template <class W>
struct GatherRows {
  W const* from;
  std::int64_t from_stride;  // words
  std::int32_t const* index;
  W* to;
  std::int64_t to_stride;

  HD void operator()(int row, int col) const {
    to[row * to_stride + col] = from[index[row] * from_stride + col];
  }
};

template <class T>
struct GatherTiles {
  T const* from;
  int fields;
  std::int32_t const* index;
  T* to;
  std::int64_t to_stride;

  HD void operator()(int row, int field) const {
    to[row * to_stride + field] = from[Tiles<T const>{from, fields}.offset(field, index[row])];
  }
};

}  // namespace loom
