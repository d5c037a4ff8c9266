#pragma once
// A checkpoint in memory: named tensors and JSON state. On disk: one safetensors file.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <kernels/core/buffer.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

enum class DType { f32, i32, u32, u8, i64, u64, f64, f16, bf16, i8, i16, u16, boolean };

std::size_t size_of(DType dtype);
/// As safetensors spells it: "F32".
char const* name_of(DType dtype);

template <class T>
inline constexpr bool has_dtype = false;
template <class T>
inline constexpr DType dtype_of = DType::f32;
// clang-format off
#define LOOM_DTYPE(T, name)                      \
  template <> inline constexpr bool has_dtype<T> = true; \
  template <> inline constexpr DType dtype_of<T> = DType::name
// clang-format on
LOOM_DTYPE(float, f32);
LOOM_DTYPE(double, f64);
LOOM_DTYPE(std::int8_t, i8);
LOOM_DTYPE(std::uint8_t, u8);
LOOM_DTYPE(std::int16_t, i16);
LOOM_DTYPE(std::uint16_t, u16);
LOOM_DTYPE(std::int32_t, i32);
LOOM_DTYPE(std::uint32_t, u32);
LOOM_DTYPE(std::int64_t, i64);
LOOM_DTYPE(std::uint64_t, u64);
#undef LOOM_DTYPE

struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;  ///< little endian, row-major
};

/// Everything that a continuation needs. State and tensors share one file, the state as JSON text
/// in the safetensors metadata: two files could not be replaced in one step, and kill -9 between
/// them would pair the state of one moment with the parameters of another. A checksum in the
/// metadata covers the whole file; files of other writers, which have none, load too.
///
/// Errors  IoError names the file and what is wrong with it, or which tensor is missing or has
///         another shape; ShapeError when bytes and shape given to put() disagree.
class Checkpoint {
 public:
  using Shape = std::vector<std::size_t>;

  /// Throws IoError for whatever is not a whole, consistent safetensors file.
  static Checkpoint read(std::filesystem::path const& path);
  static Checkpoint parse(std::string_view bytes, std::string source);
  /// Whole or not at all (write_whole).
  void write(std::filesystem::path const& path) const;
  std::string bytes() const;

  void put(std::string const& name, Tensor tensor);
  /// Host memory. Without a shape the tensor is a vector.
  template <class T>
  void put(std::string const& name, std::vector<T> const& host, Shape shape = {}) {
    put_bytes(name, dtype_of_checked<T>(), host.data(), host.size(), std::move(shape));
  }
  /// Memory of any Exec; returns when it has been copied.
  template <class T>
  void put(std::string const& name, Exec const& exec, In<T> from, Shape shape = {}) {
    put(name, download(exec, from), std::move(shape));
  }
  template <class T>
  void put(std::string const& name, Buffer<T> const& from, Shape shape = {}) {
    put(name, from.exec(), from.in(), std::move(shape));
  }

  bool has(std::string const& name) const { return tensors_.contains(name); }
  Tensor const& tensor(std::string const& name) const;
  std::map<std::string, Tensor> const& tensors() const { return tensors_; }

  /// A copy in host memory. A shape, when given, must match exactly.
  template <class T>
  std::vector<T> get(std::string const& name, Shape const& shape = {}) const {
    Tensor const& t = checked(name, dtype_of_checked<T>(), shape);
    std::vector<T> host(t.bytes.size() / sizeof(T));
    if (!host.empty()) std::memcpy(host.data(), t.bytes.data(), t.bytes.size());
    return host;
  }
  /// Fills memory of any Exec; its size, and the shape when given, must match exactly.
  template <class T>
  void get(std::string const& name, Exec const& exec, Out<T> to, Shape const& shape = {}) const {
    std::vector<T> const host = get<T>(name, shape);
    require_elements(name, host.size(), to.size);
    upload<T>(exec, host, to);
  }
  template <class T>
  void get(std::string const& name, Buffer<T>& to, Shape const& shape = {}) const {
    Exec const exec = to.exec();
    get(name, exec, to.out(), shape);
  }

  /// A JSON object. Numbers keep their bits, but NaN and infinities become null: those go into
  /// tensors.
  nlohmann::json& state() { return state_; }
  nlohmann::json const& state() const { return state_; }
  /// state()[name] as a T; IoError when it is missing or of another type.
  template <class T>
  T state_at(std::string const& name) const {
    try {
      return state_.at(name).get<T>();
    } catch (nlohmann::json::exception const&) {
      fail<IoError>(source_, ": state \"", name, "\" is missing or of another type");
    }
  }

  /// state()[name][key] as a count from 0 to `most`; IoError when it is missing or anything else. Up to 2^53 every
  /// reader of JSON agrees on an integer, and adding to it cannot overflow.
  std::int64_t count_at(std::string const& name, std::string const& key,
                        std::int64_t most = std::int64_t{1} << 53) const;

  /// Where it was read from, for messages.
  std::string const& source() const { return source_; }

 private:
  template <class T>
  static constexpr DType dtype_of_checked() {
    static_assert(has_dtype<T>, "a type that safetensors does not have");
    return dtype_of<T>;
  }
  void put_bytes(std::string const& name, DType dtype, void const* data, std::size_t n,
                 Shape shape);
  Tensor const& checked(std::string const& name, DType dtype, Shape const& shape) const;
  void require_elements(std::string const& name, std::size_t found, std::size_t needed) const;
  /// The header, and the tensors in the order in which their bytes follow it.
  std::pair<std::string, std::vector<Tensor const*>> layout() const;

  std::map<std::string, Tensor> tensors_;
  nlohmann::json state_ = nlohmann::json::object();
  std::string source_ = "checkpoint";
};

}  // namespace loom
