#pragma once
// Memory of an Exec: owned, uninitialised, move-only.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace loom {

namespace memory {
void* allocate(Exec const& exec,
               std::size_t bytes);  ///< 256-byte aligned; throws Error with the size
void release(Exec const& exec, void* p) noexcept;
void copy(Exec const& exec, void const* from, void* to,
          std::size_t bytes);  ///< within exec, in stream order
void upload(Exec const& exec, void const* host, void* to,
            std::size_t bytes);  ///< returns when `host` may change
void download(Exec const& exec, void const* from, void* host,
              std::size_t bytes);  ///< returns when `host` is filled
void fill_zero(Exec const& exec, void* to, std::size_t bytes);
}  // namespace memory

/// Owns n elements in the memory of `exec`. Contents are uninitialised.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  Buffer(Exec const& exec, std::size_t n)
      : exec_(exec),
        data_(n == 0 ? nullptr : static_cast<T*>(memory::allocate(exec, n * sizeof(T)))),
        size_(n) {}
  Buffer(Buffer&& other) noexcept
      : exec_(other.exec_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(exec_, other.exec_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) memory::release(exec_, data_);
  }

  T* data() { return data_; }
  T const* data() const { return data_; }
  std::size_t size() const { return size_; }
  Exec const& exec() const { return exec_; }
  In<T> in() const { return {data_, size_}; }
  Out<T> out() { return {data_, size_}; }

 private:
  Exec exec_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Copies within one Exec. Sizes must agree.
template <class T>
void copy(Exec const& exec, std::type_identity_t<In<T>> from, Out<T> to) {
  require(from.size == to.size, "copy: ", from.size, " elements into ", to.size);
  memory::copy(exec, from.data, to.data, from.size * sizeof(T));
}

template <class T>
void upload(Exec const& exec, std::type_identity_t<In<T>> host, Out<T> to) {
  require(host.size == to.size, "upload: ", host.size, " elements into ", to.size);
  memory::upload(exec, host.data, to.data, host.size * sizeof(T));
}

/// A Buffer with the contents of `host`.
template <class T>
Buffer<T> uploaded(Exec const& exec, std::vector<T> const& host) {
  Buffer<T> buffer(exec, host.size());
  upload<T>(exec, host, buffer.out());
  return buffer;
}

template <class T>
std::vector<T> download(Exec const& exec, In<T> from) {
  std::vector<T> host(from.size);
  memory::download(exec, from.data, host.data(), from.size * sizeof(T));
  return host;
}

template <class T>
std::vector<T> download(Buffer<T> const& buffer) {
  return download(buffer.exec(), buffer.in());
}

template <class T>
void fill_zero(Exec const& exec, Out<T> to) {
  memory::fill_zero(exec, to.data, to.size * sizeof(T));
}

/// A Buffer of n zero elements.
template <class T>
Buffer<T> zeros(Exec const& exec, std::size_t n) {
  Buffer<T> buffer(exec, n);
  fill_zero(exec, buffer.out());
  return buffer;
}

}  // namespace loom
