#pragma once
// Rows move in words as wide as rows, strides and addresses allow.
#include <kernels/core/view.hpp>

namespace loom {

struct alignas(16) Word16 {
  std::uint32_t words[4];
};

/// move(W{}): the widest of 16 bytes, 4 bytes and one that divides rows, strides and addresses of both.
template <class T, class Move>
void in_widest_words(InRows<T> from, OutRows<T> to, Move const& move) {
  std::int64_t const size = sizeof(T);
  // The lowest set bit of all of them bounds the word.
  std::int64_t const bits = (from.cols | from.stride | to.stride) * size |
                            reinterpret_cast<std::intptr_t>(from.data) |
                            reinterpret_cast<std::intptr_t>(to.data);
  if (bits % 16 == 0)
    move(Word16{});
  else if (bits % 4 == 0)
    move(std::uint32_t{});
  else
    move(std::uint8_t{});
}

}  // namespace loom
