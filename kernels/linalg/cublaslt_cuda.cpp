#include <cstdio>
#include <kernels/core/dynamic_library.hpp>
#include <kernels/core/error.hpp>
#include <kernels/linalg/cublaslt_cuda.hpp>
#include <memory>

#define LOOM_TEXT_(x) #x
#define LOOM_TEXT(x) LOOM_TEXT_(x)

namespace loom::cublaslt {
namespace {

std::unique_ptr<Library const> opened() {
  try {
    DynamicLibrary const file("cublasLt", soname());
    auto l = std::make_unique<Library>();
    file.bind(l->create, "cublasLtCreate");
    file.bind(l->matmul, "cublasLtMatmul");
    file.bind(l->heuristic, "cublasLtMatmulAlgoGetHeuristic");
    file.bind(l->operation_create, "cublasLtMatmulDescCreate");
    file.bind(l->operation_destroy, "cublasLtMatmulDescDestroy");
    file.bind(l->operation_set, "cublasLtMatmulDescSetAttribute");
    file.bind(l->layout_create, "cublasLtMatrixLayoutCreate");
    file.bind(l->layout_destroy, "cublasLtMatrixLayoutDestroy");
    file.bind(l->preference_create, "cublasLtMatmulPreferenceCreate");
    file.bind(l->preference_destroy, "cublasLtMatmulPreferenceDestroy");
    file.bind(l->preference_set, "cublasLtMatmulPreferenceSetAttribute");
    return l;
  } catch (IoError const& error) {
    std::fprintf(stderr, "%s; matrix products use Dreamloom's own kernel\n", error.what());
    return nullptr;
  }
}

}  // namespace

char const* soname() { return "libcublasLt.so." LOOM_TEXT(CUBLAS_VER_MAJOR); }

Library const* library() {
  static auto const once = opened();
  return once.get();
}

void check(cublasStatus_t status, char const* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail<CudaError>("cublasLt: ", call, " failed with status ", static_cast<int>(status));
}

}  // namespace loom::cublaslt
