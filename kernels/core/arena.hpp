#pragma once
// One allocation, handed out in order. What a run needs is taken once, before anything is captured.
#include <kernels/core/buffer.hpp>

namespace loom {

/// Bump allocator over one Buffer; pieces are 256-byte aligned and live as long as the arena.
class Arena {
 public:
  Arena(Exec const& exec, std::size_t bytes) : memory_(exec, bytes) {}

  /// n uninitialised elements. Throws ShapeError with the figures when the arena is used up.
  template <class T>
  Out<T> take(std::size_t n) {
    std::size_t const bytes = rounded(n * sizeof(T));
    require(used_ + bytes <= memory_.size(), "arena: asked for ", bytes, " bytes, ",
            memory_.size() - used_, " of ", memory_.size(), " are left");
    T* const p = reinterpret_cast<T*>(memory_.data() + used_);
    used_ += bytes;
    return {p, n};
  }

  /// Bytes that take<T>(n) uses: for adding up a need beforehand.
  template <class T>
  static std::size_t need(std::size_t n) {
    return rounded(n * sizeof(T));
  }

  std::size_t used() const { return used_; }
  Exec const& exec() const { return memory_.exec(); }

 private:
  static std::size_t rounded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }
  Buffer<std::uint8_t> memory_;
  std::size_t used_ = 0;
};

}  // namespace loom
