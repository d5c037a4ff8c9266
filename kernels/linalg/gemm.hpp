#pragma once
// Products of row-major matrices.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

enum class Transpose { no, yes };
enum class Precision { fp32, tf32 };   ///< tf32: inputs rounded to 11 bits on a GPU's tensor cores
enum class Result { overwrite, add };  ///< what happens to the old contents

struct GemmOptions {
  Transpose a = Transpose::no;
  Transpose b = Transpose::no;
  Result result = Result::overwrite;
  In<float> bias{};                       ///< (N) or empty: added to every row
  Precision precision = Precision::fp32;  ///< a Cpu always computes in fp32
  Out<std::uint8_t> workspace{};  ///< gemm_workspace(exec) bytes, aligned to 256; may be empty
};

/// c = op(a) op(b) [+ c] [+ bias].
///
/// Shapes   op(a): (M, K), op(b): (K, N), c: (M, N); any strides of rows; c does not overlap a, b
/// or bias. Bits     equal from run to run; on a Cpu also for any number of threads. Errors
/// ShapeError if the sizes do not fit. Device   cuBLASLt, opened on first use, its algorithm chosen
/// once a shape; without the library (said once
///          on stderr) our own tiled kernel. The first call of a shape must not be captured.
/// Source   CPU: register-blocked outer products over packed panels, as Goto and van de Geijn 2008.
void gemm(Cpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
          GemmOptions const& options = {});
void gemm(Gpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
          GemmOptions const& options = {});

/// Bytes of workspace that serve every shape; without it a Gpu chooses among fewer algorithms.
std::size_t gemm_workspace(Cpu exec);
std::size_t gemm_workspace(Gpu exec);

/// The fallback on a device: no library, no workspace, fp32.
void gemm_tiled(Gpu exec, InRows<float> a, InRows<float> b, OutRows<float> c,
                GemmOptions const& options = {});

}  // namespace loom
