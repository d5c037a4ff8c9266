#pragma once
// Sizes of a product, checked alike on every machine.
#include <kernels/core/error.hpp>
#include <kernels/linalg/gemm.hpp>

namespace loom {

struct GemmShape {
  int m, n, k;
};

inline GemmShape gemm_shape(InRows<float> a, InRows<float> b, OutRows<float> c,
                            GemmOptions const& options) {
  bool const ta = options.a == Transpose::yes, tb = options.b == Transpose::yes;
  GemmShape const s{ta ? a.cols : a.rows, tb ? b.rows : b.cols, ta ? a.rows : a.cols};
  int const b_k = tb ? b.cols : b.rows;
  require(b_k == s.k, "gemm: op(a) is ", s.m, " x ", s.k, ", op(b) ", b_k, " x ", s.n);
  require(c.rows == s.m && c.cols == s.n, "gemm: the product is ", s.m, " x ", s.n, ", c is ",
          c.rows, " x ", c.cols);
  require(options.bias.size == 0 || static_cast<int>(options.bias.size) == s.n, "gemm: ", s.n,
          " columns, bias has ", options.bias.size);
  return s;
}

}  // namespace loom
