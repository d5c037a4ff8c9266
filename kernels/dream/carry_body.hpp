#pragma once
#include <kernels/core/lane_rows.hpp>
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>

namespace loom {

struct Carry {
  In<float> first;
  InRows<float> from;
  OutRows<float> to;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    bool const kept = first[static_cast<std::size_t>(row)] == 0.F;
    store(to.row(row), i, kept ? F(load(from.row(row), i)) : F(0.F));
  }
};

struct CarryBackward {
  In<float> first;
  InRows<float> dto;
  OutRows<float> dfrom;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    if (first[static_cast<std::size_t>(row)] != 0.F) return;
    store(dfrom.row(row), i, F(load(dfrom.row(row), i)) + F(load(dto.row(row), i)));
  }
};

/// The magnitude of an action, at least 1.
template <class F>
HD F action_bound(F a) {
  return math::max(math::abs(a), F(1.F));
}

struct CarryAction {
  In<float> first;
  InRows<float> from;
  OutRows<float> to;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    bool const kept = first[static_cast<std::size_t>(row)] == 0.F;
    F const a = load(from.row(row), i);
    store(to.row(row), i, kept ? a / action_bound(a) : F(0.F));
  }
};

struct CarryActionBackward {
  In<float> first;
  InRows<float> from, dto;
  OutRows<float> dfrom;

  template <class F>
  HD void operator()(int row, Lane<F> i) const {
    bool const kept = first[static_cast<std::size_t>(row)] == 0.F;
    F const a = load(from.row(row), i), slope = load(dto.row(row), i);
    store(dfrom.row(row), i, kept ? slope / action_bound(a) : F(0.F));
  }
};

}  // namespace loom
