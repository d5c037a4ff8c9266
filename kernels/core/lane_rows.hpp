#pragma once
// Elementwise work on row-major matrices of any stride.
#include <kernels/core/lane.hpp>

namespace loom {

/// Lane body over `lanes()` lanes: op(row, Lane<F>{col}) for every element. Rows are padded to
/// whole packs; the last columns of a row go one by one. An op whose matrices are all contiguous
/// passes them as one row.
template <class Op>
struct EachElement {
  Op op;
  int rows, cols, padded;

  EachElement(Op const& op_, int rows_, int cols_, bool contiguous)
      : op(op_),
        rows(contiguous ? 1 : rows_),
        cols(contiguous ? rows_ * cols_ : cols_),
        padded((cols + 15) / 16 * 16) {}

  int lanes() const { return rows * padded; }

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const row = i.index / padded, col = i.index - row * padded;
    if (col + kWidth<F> <= cols) {
      op(row, Lane<F>{col});
    } else {
      for (int l = 0; l < kWidth<F>; ++l)
        if (col + l < cols) op(row, Lane<float>{col + l});
    }
  }
};

}  // namespace loom
