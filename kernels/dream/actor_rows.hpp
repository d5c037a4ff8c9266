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

/// The same and, of a backward pass, draws and gradients.
inline void check_actor_backward(char const* who, InRows<float> raw, RowDraws const& draws,
                                 InRows<float> daction, InRows<float> draw) {
  check_actor_rows(who, raw, daction);
  check_draws(who, draws, raw.rows);
  check_rows(who, raw, draw);
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

/// Gradients of one action's m and s.
template <class F>
struct ActionSlopes {
  F m, s;
};

/// Draws a row's actions once more for the way back: each(random, m, s, gradient of the action) says the
/// ActionSlopes of every one, which go to `draw`.
template <class F, class Each>
HD void draw_again(Lane<F> i, InRows<float> raw, RowDraws const& draws, InRows<float> daction,
                   OutRows<float> draw, Each const& each) {
  int const n = daction.cols;
  RowReader<F> const in(raw, i), slope(daction, i);
  RowWriter<F> const out(draw, i);
  Random<F> random = draws.random(i);
  for (int k = 0; k < n; ++k) {
    ActionSlopes<F> const to = each(random, in(k), in(n + k), slope(k));
    out(k, to.m);
    out(n + k, to.s);
  }
}

}  // namespace loom
