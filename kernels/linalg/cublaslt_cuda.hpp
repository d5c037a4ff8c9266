#pragma once
// cuBLASLt behind dlopen: linking it would cost every start 90 ms and 210 MB. Only CUDA builds.
#include <cublasLt.h>

namespace loom::cublaslt {

/// The functions that gemm calls.
struct Library {
  decltype(cublasLtCreate)* create;
  decltype(cublasLtMatmul)* matmul;
  decltype(cublasLtMatmulAlgoGetHeuristic)* heuristic;
  decltype(cublasLtMatmulDescCreate)* operation_create;
  decltype(cublasLtMatmulDescDestroy)* operation_destroy;
  decltype(cublasLtMatmulDescSetAttribute)* operation_set;
  decltype(cublasLtMatrixLayoutCreate)* layout_create;
  decltype(cublasLtMatrixLayoutDestroy)* layout_destroy;
  decltype(cublasLtMatmulPreferenceCreate)* preference_create;
  decltype(cublasLtMatmulPreferenceDestroy)* preference_destroy;
  decltype(cublasLtMatmulPreferenceSetAttribute)* preference_set;
};

/// Null when the library is missing, which is said once on stderr.
Library const* library();

/// The file asked for: the headers' major version.
char const* soname();

/// Throws CudaError unless `status` is success.
void check(cublasStatus_t status, char const* call);

}  // namespace loom::cublaslt
