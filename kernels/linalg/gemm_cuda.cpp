#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <kernels/core/device.hpp>
#include <kernels/linalg/cublaslt_cuda.hpp>
#include <kernels/linalg/gemm_shape.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace loom {
namespace {

using cublaslt::check;
using cublaslt::Library;

// What NVIDIA recommends for Hopper; smaller devices use less of it.
constexpr std::size_t kWorkspace = std::size_t{32} << 20;

/// A description object of the library that lives as long as one call.
template <class Handle>
class Described {
 public:
  Described(Handle handle, cublasStatus_t (*destroy)(Handle))
      : handle_(handle), destroy_(destroy) {}
  Described(Described const&) = delete;
  Described& operator=(Described const&) = delete;
  ~Described() { destroy_(handle_); }
  Handle get() const { return handle_; }

 private:
  Handle handle_;
  cublasStatus_t (*destroy_)(Handle);
};

Described<cublasLtMatrixLayout_t> layout(Library const& lt, int rows, int cols, int stride) {
  // A row-major matrix is a column-major one of exchanged sizes.
  cublasLtMatrixLayout_t made{};
  check(lt.layout_create(&made, CUDA_R_32F, static_cast<std::uint64_t>(cols),
                         static_cast<std::uint64_t>(rows), stride),
        "cublasLtMatrixLayoutCreate");
  return {made, lt.layout_destroy};
}

template <class T>
void set(Library const& lt, Described<cublasLtMatmulDesc_t> const& to,
         cublasLtMatmulDescAttributes_t name, T value) {
  check(lt.operation_set(to.get(), name, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
}

template <class T>
void set(Library const& lt, Described<cublasLtMatmulPreference_t> const& to,
         cublasLtMatmulPreferenceAttributes_t name, T value) {
  check(lt.preference_set(to.get(), name, &value, sizeof value),
        "cublasLtMatmulPreferenceSetAttribute");
}

/// Largest power of two up to 256 that divides all addresses.
std::uint32_t alignment(std::initializer_list<void const*> addresses) {
  std::uintptr_t bits = 256;
  for (void const* p : addresses) bits |= reinterpret_cast<std::uintptr_t>(p);
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

/// The library's handles and the algorithms chosen so far: one choice a shape, so that a shape
/// always computes the same way and capturing asks no heuristic.
class Choices {
 public:
  using Key = std::array<std::int64_t, 14>;

  /// Null, said once, when the library cannot be used on the device.
  cublasLtHandle_t handle(Library const& lt, int device) {
    std::lock_guard const lock(mutex_);
    auto [at, fresh] = handles_.try_emplace(device);
    if (fresh && lt.create(&at->second) != CUBLAS_STATUS_SUCCESS) {
      at->second = nullptr;
      std::fprintf(
          stderr, "cublasLt: no handle for device %d; matrix products use Dreamloom's own kernel\n",
          device);
    }
    return at->second;
  }

  /// Empty when the library has no algorithm for the shape.
  template <class Choose>
  std::optional<cublasLtMatmulAlgo_t> algorithm(Key const& key, Choose const& choose) {
    std::lock_guard const lock(mutex_);
    auto [at, fresh] = algorithms_.try_emplace(key);
    if (fresh) at->second = choose();
    return at->second;
  }

  static Choices& instance() {
    static Choices choices;
    return choices;
  }

 private:
  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<Key, std::optional<cublasLtMatmulAlgo_t>> algorithms_;
};

}  // namespace

std::size_t gemm_workspace(Gpu) { return kWorkspace; }

void gemm(Gpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
          GemmOptions const& options) {
  auto const [m, n, k] = gemm_shape(a, b, c, options);
  if (m == 0 || n == 0) return;
  Library const* const library = k == 0 ? nullptr : cublaslt::library();
  if (library == nullptr) return gemm_tiled(exec, a, b, c, options);
  Library const& lt = *library;
  CUDA_CHECK(cudaSetDevice(exec.device));
  cublasLtHandle_t const handle = Choices::instance().handle(lt, exec.device);
  if (handle == nullptr) return gemm_tiled(exec, a, b, c, options);

  // c^T = op(b)^T op(a)^T in the library's column-major words: b comes first.
  bool const tf32 = options.precision == Precision::tf32, biased = options.bias.size > 0;
  cublasLtMatmulDesc_t made{};
  check(lt.operation_create(&made, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                            CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  Described<cublasLtMatmulDesc_t> const operation(made, lt.operation_destroy);
  set(lt, operation, CUBLASLT_MATMUL_DESC_TRANSA,
      options.b == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(lt, operation, CUBLASLT_MATMUL_DESC_TRANSB,
      options.a == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (biased) {
    set(lt, operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(lt, operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, options.bias.data);
  }
  auto const left = layout(lt, b.rows, b.cols, b.stride);
  auto const right = layout(lt, a.rows, a.cols, a.stride);
  auto const product = layout(lt, m, n, c.stride);

  std::uint32_t const aligned =
      alignment({a.data, b.data, c.data, biased ? options.bias.data : nullptr});
  bool const add = options.result == Result::add;
  auto const choose = [&]() -> std::optional<cublasLtMatmulAlgo_t> {
    cublasLtMatmulPreference_t wanted{};
    check(lt.preference_create(&wanted), "cublasLtMatmulPreferenceCreate");
    Described<cublasLtMatmulPreference_t> const preference(wanted, lt.preference_destroy);
    set(lt, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
        static_cast<std::uint64_t>(options.workspace.size));
    // Sums split over K must be added in a fixed order: no atomics on c.
    set(lt, preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                                   CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE));
    for (auto const name :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      set(lt, preference, name, aligned);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    cublasStatus_t const status =
        lt.heuristic(handle, operation.get(), left.get(), right.get(), product.get(), product.get(),
                     preference.get(), 1, &best, &found);
    if (status != CUBLAS_STATUS_SUCCESS || found == 0) return std::nullopt;
    return best.algo;
  };
  auto const algorithm = Choices::instance().algorithm(
      {exec.device, m, n, k, a.stride, b.stride, c.stride, static_cast<int>(options.a),
       static_cast<int>(options.b), add, biased, tf32, aligned,
       static_cast<std::int64_t>(options.workspace.size)},
      choose);
  if (!algorithm) return gemm_tiled(exec, a, b, c, options);
  float const one = 1.F, beta = add ? 1.F : 0.F;
  check(lt.matmul(handle, operation.get(), &one, b.data, left.get(), a.data, right.get(), &beta,
                  c.data, product.get(), c.data, product.get(), &*algorithm, options.workspace.data,
                  options.workspace.size, static_cast<cudaStream_t>(exec.stream)),
        "cublasLtMatmul");
}

}  // namespace loom
