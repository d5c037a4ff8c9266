#pragma once
// What kernels see of memory: a pointer and a size. No ownership, no checks inside kernels.
#include <kernels/core/machine.hpp>

namespace loom {

/// Read-only view of n contiguous elements. Made from anything with data() and size().
template <class T>
struct In {
  T const* data = nullptr;
  std::size_t size = 0;

  In() = default;
  HD In(T const* d, std::size_t n) : data(d), size(n) {}
  template <class C>
  requires requires(C const& c) {
    static_cast<T const*>(c.data());
    c.size();
  }
  In(C const& c) : data(c.data()), size(c.size()) {}

  HD T const& operator[](std::size_t i) const { return data[i]; }
  HD In slice(std::size_t offset, std::size_t n) const { return {data + offset, n}; }
};

/// Writable view of n contiguous elements.
template <class T>
struct Out {
  T* data = nullptr;
  std::size_t size = 0;

  Out() = default;
  HD Out(T* d, std::size_t n) : data(d), size(n) {}
  template <class C>
  requires requires(C& c) {
    static_cast<T*>(c.data());
    c.size();
  }
  Out(C& c) : data(c.data()), size(c.size()) {}

  HD T& operator[](std::size_t i) const { return data[i]; }
  HD Out slice(std::size_t offset, std::size_t n) const { return {data + offset, n}; }
  HD operator In<T>() const { return {data, size}; }
};

/// Numbers of a matrix.
HD constexpr std::size_t elements(int rows, int cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
}

/// Read-only row-major matrix; consecutive rows lie `stride` elements apart.
template <class T>
struct InRows {
  T const* data = nullptr;
  int rows = 0, cols = 0, stride = 0;

  InRows() = default;
  HD InRows(T const* d, int r, int c, int s) : data(d), rows(r), cols(c), stride(s) {}
  HD InRows(T const* d, int r, int c) : InRows(d, r, c, c) {}
  HD T const* row(int r) const { return data + static_cast<std::ptrdiff_t>(r) * stride; }
};

/// Writable row-major matrix.
template <class T>
struct OutRows {
  T* data = nullptr;
  int rows = 0, cols = 0, stride = 0;

  OutRows() = default;
  HD OutRows(T* d, int r, int c, int s) : data(d), rows(r), cols(c), stride(s) {}
  HD OutRows(T* d, int r, int c) : OutRows(d, r, c, c) {}
  HD T* row(int r) const { return data + static_cast<std::ptrdiff_t>(r) * stride; }
  HD operator InRows<T>() const { return {data, rows, cols, stride}; }
};

/// Instances a tile: the width of every environment array, `[N/64][field][64]`.
inline constexpr int kTile = 64;

/// Instances rounded up to whole tiles.
HD constexpr int padded_to_tile(int n) { return (n + kTile - 1) / kTile * kTile; }

/// Fields of instances in tiles of 64: element (field, instance) lies at
/// [instance/64][field][instance%64].
template <class T>
struct Tiles {
  T* data = nullptr;
  int fields = 0;

  HD std::ptrdiff_t offset(int field, int instance) const {
    return (static_cast<std::ptrdiff_t>(instance / kTile) * fields + field) * kTile +
           instance % kTile;
  }
  HD T& at(int field, int instance) const { return data[offset(field, instance)]; }
};

}  // namespace loom
