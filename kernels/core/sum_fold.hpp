#pragma once
#include <kernels/core/lane.hpp>

namespace loom {

/// What launch_fold asks of a body whose value is one sum; the body adds items, add() and finish().
struct SumFold {
  template <class F>
  struct Value {
    F sum;
  };
  template <class F>
  HD Value<F> empty() const {
    return {F(0.F)};
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    return {a.sum + b.sum};
  }
};

}  // namespace loom
