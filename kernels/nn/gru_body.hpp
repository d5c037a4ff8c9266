#pragma once
// A unit's gates, on lanes; F may be double.
#include <kernels/core/fast_math.hpp>
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Dreamer's unit; `update` has its bias already.
template <class F>
struct GruUnit {
  F r, c, u;

  HD GruUnit(F reset, F candidate, F update)
      : r(math::sigmoid(reset)), c(math::tanh(r * candidate)), u(math::sigmoid(update)) {}
  /// next() of a unit by learner arithmetic.
  HD static F fast_next(F reset, F candidate, F update, F state) {
    F const to = fast::tanh(fast::sigmoid(reset) * candidate);
    return math::fma(fast::sigmoid(update), to - state, state);
  }
  HD F next(F state) const { return math::fma(u, c - state, state); }

  struct Gradient {
    F reset, candidate, update, state;
  };
  HD Gradient backward(F candidate, F state, F dnext) const {
    F const inner = dnext * u * (F(1.F) - c * c);
    return {inner * candidate * r * (F(1.F) - r), inner * r, dnext * (c - state) * u * (F(1.F) - u),
            dnext * (F(1.F) - u)};
  }
};

/// Cho's unit, reset after the product.
template <class F>
struct GruResetAfterUnit {
  F r, u, c;

  HD GruResetAfterUnit(F reset, F update, F input_candidate, F state_candidate)
      : r(math::sigmoid(reset)),
        u(math::sigmoid(update)),
        c(math::tanh(math::fma(r, state_candidate, input_candidate))) {}
  HD static F fast_next(F reset, F update, F input_candidate, F state_candidate, F state) {
    F const to = fast::tanh(math::fma(fast::sigmoid(reset), state_candidate, input_candidate));
    return math::fma(fast::sigmoid(update), state - to, to);
  }
  HD F next(F state) const { return math::fma(u, state - c, c); }

  struct Gradient {
    F reset, update, input_candidate, state_candidate, state;
  };
  HD Gradient backward(F state_candidate, F state, F dnext) const {
    F const inner = dnext * (F(1.F) - u) * (F(1.F) - c * c);
    return {inner * state_candidate * r * (F(1.F) - r), dnext * (state - c) * u * (F(1.F) - u),
            inner, inner * r, dnext * u};
  }
};

// Every kernel walks rows of one block each: row b of a batch's n blocks is block b % n of sample b / n.

struct GruForward {
  InRows<float> sums, state;
  OutRows<float> next;
  int blocks, units;  // of a block
  float update_bias;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    int const sample = row / blocks, first = (row - sample * blocks) * units;
    float const* const a = sums.row(sample) + 3 * first;
    GruUnit<F> const unit(load(a, i), load(a + units, i), load(a + 2 * units, i) + F(update_bias));
    store(next.row(sample) + first, i, unit.next(load(state.row(sample) + first, i)));
  }
};

struct GruBackward {
  InRows<float> sums, state, dnext;
  OutRows<float> dsums, dstate;
  int blocks, units;
  float update_bias;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    int const sample = row / blocks, first = (row - sample * blocks) * units;
    float const* const a = sums.row(sample) + 3 * first;
    F const candidate = load(a + units, i);
    GruUnit<F> const unit(load(a, i), candidate, load(a + 2 * units, i) + F(update_bias));
    auto const g = unit.backward(candidate, load(state.row(sample) + first, i),
                                 load(dnext.row(sample) + first, i));
    float* const da = dsums.row(sample) + 3 * first;
    store(da, i, g.reset);
    store(da + units, i, g.candidate);
    store(da + 2 * units, i, g.update);
    store(dstate.row(sample) + first, i, g.state);
  }
};

struct GruResetAfterForward {
  InRows<float> input, recurrent, state;
  OutRows<float> next;
  int units;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    float const *const a = input.row(row), *const s = recurrent.row(row);
    GruResetAfterUnit<F> const unit(load(a, i) + load(s, i),
                                    load(a + units, i) + load(s + units, i), load(a + 2 * units, i),
                                    load(s + 2 * units, i));
    store(next.row(row), i, unit.next(load(state.row(row), i)));
  }
};

struct GruResetAfterBackward {
  InRows<float> input, recurrent, state, dnext;
  OutRows<float> dinput, drecurrent, dstate;
  int units;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    float const *const a = input.row(row), *const s = recurrent.row(row);
    F const state_candidate = load(s + 2 * units, i);
    GruResetAfterUnit<F> const unit(load(a, i) + load(s, i),
                                    load(a + units, i) + load(s + units, i), load(a + 2 * units, i),
                                    state_candidate);
    auto const g = unit.backward(state_candidate, load(state.row(row), i), load(dnext.row(row), i));
    float *const da = dinput.row(row), *const ds = drecurrent.row(row);
    store(da, i, g.reset);
    store(da + units, i, g.update);
    store(da + 2 * units, i, g.input_candidate);
    store(ds, i, g.reset);
    store(ds + units, i, g.update);
    store(ds + 2 * units, i, g.state_candidate);
    store(dstate.row(row), i, g.state);
  }
};

}  // namespace loom
