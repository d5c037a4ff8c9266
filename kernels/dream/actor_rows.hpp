#pragma once
// What the continuous policies of this folder share: rows of two numbers an action, and how they are drawn.
#include <kernels/nn/rows.hpp>

namespace loom {

/// Throws ShapeError unless raw (B, 2 A) and action (B, A) fit.
inline void check_actor_rows(char const* who, InRows<float> raw, InRows<float> action) {
  require(raw.rows == action.rows && raw.cols == 2 * action.cols, who, ": raw is ", raw.rows, " x ",
          raw.cols, ", action ", action.rows, " x ", action.cols, " (needs half the columns)");
  check_extent(who, raw);
  check_extent(who, action);
}

/// One lane a row. Policy has mode(m, s) and draw(random, m, s) of one action.
template <class Policy>
struct DrawActions {
  Policy policy;
  InRows<float> raw;
  RowDraws draws;  ///< without a stream: modes
  OutRows<float> action;

  template <class F>
  HD void operator()(Lane<F> i) const {
    int const n = action.cols;
    RowReader<F> const in(raw, i);
    RowWriter<F> const out(action, i);
    if (draws.stream.size == 0) {
      for (int k = 0; k < n; ++k) out(k, policy.mode(in(k), in(n + k)));
      return;
    }
    Random<F> random = draws.random(i);
    for (int k = 0; k < n; ++k) out(k, policy.draw(random, in(k), in(n + k)));
  }
};

}  // namespace loom
