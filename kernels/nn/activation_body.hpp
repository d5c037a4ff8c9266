#pragma once
// Activations and their derivatives on whatever a body computes with: float, double, packs,
// epilogue values.
#include <kernels/core/fast_math.hpp>
#include <kernels/nn/activation.hpp>

namespace loom {

template <class V>
HD V activate(Activation kind, V v) {
  switch (kind) {
    case Activation::tanh:
      return each(v, [](auto x) { return fast::tanh(x); });
    case Activation::relu:
      return each(v, [](auto x) {
        using F = decltype(x);
        return math::max(x, F(0.F));
      });
    case Activation::elu:
      return each(v, [](auto x) {
        using F = decltype(x);
        return select(x > F(0.F), x, fast::exp(math::min(x, F(0.F))) - F(1.F));
      });
    case Activation::silu:
      return each(v, [](auto x) { return x * fast::sigmoid(x); });
    default:
      return v;
  }
}

/// f(kind), the kind being a constant where a Block's dense() is small enough to exist once for each:
/// its epilogue's constants then stay in registers.
template <class Block, class F>
HD auto with_activation(Activation kind, F const& f) {
  if constexpr (Block::kSmallDense) {
    switch (kind) {
      case Activation::tanh:
        return f(std::integral_constant<Activation, Activation::tanh>{});
      case Activation::relu:
        return f(std::integral_constant<Activation, Activation::relu>{});
      case Activation::elu:
        return f(std::integral_constant<Activation, Activation::elu>{});
      case Activation::silu:
        return f(std::integral_constant<Activation, Activation::silu>{});
      default:
        return f(std::integral_constant<Activation, Activation::identity>{});
    }
  } else {
    return f(kind);
  }
}

/// True if the derivative is taken at the input of the activation, false if at its output.
HD constexpr bool keeps_input(Activation kind) { return kind == Activation::silu; }

/// dy times the derivative, at `a`: what keeps_input(kind) says.
template <class V>
HD V activation_gradient(Activation kind, V a, V dy) {
  switch (kind) {
    case Activation::tanh:
      return each(a, dy, [](auto y, auto d) {
        using F = decltype(y);
        return d * math::fma(-y, y, F(1.F));
      });
    case Activation::relu:
      return each(a, dy, [](auto y, auto d) {
        using F = decltype(y);
        return select(y > F(0.F), d, F(0.F));
      });
    case Activation::elu:
      return each(a, dy, [](auto y, auto d) {
        using F = decltype(y);
        return select(y > F(0.F), d, d * (y + F(1.F)));
      });
    case Activation::silu:
      return each(a, dy, [](auto x, auto d) {
        using F = decltype(x);
        F const s = fast::sigmoid(x);
        return d * math::fma(x * s, F(1.F) - s, s);
      });
    default:
      return dy;
  }
}

}  // namespace loom
