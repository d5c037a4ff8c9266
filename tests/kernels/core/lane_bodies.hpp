#pragma once
// Every elementary function and every draw, applied to arrays; launched by lane_bodies.cu.
#include <kernels/core/random.hpp>

namespace loom::lane_test {

enum class Function {
  abs,
  sqrt,
  floor,
  rint,
  sin,
  cos,
  exp,
  log,
  log1p,
  expm1,
  tanh,
  sigmoid,
  softplus,
  wrap_angle,
  reciprocal,
  clamp,
  copysign,
  fused,     // fma(x, x, -1)
  selected,  // comparisons, masks and integer words
};

/// One of them, by name.
template <class F>
HD F evaluate(Function function, F x) {
  switch (function) {
    case Function::abs:
      return math::abs(x);
    case Function::sqrt:
      return math::sqrt(x);
    case Function::floor:
      return math::floor(x);
    case Function::rint:
      return math::rint(x);
    case Function::sin:
      return math::sin(x);
    case Function::cos:
      return math::cos(x);
    case Function::exp:
      return math::exp(x);
    case Function::log:
      return math::log(x);
    case Function::log1p:
      return math::log1p(x);
    case Function::expm1:
      return math::expm1(x);
    case Function::tanh:
      return math::tanh(x);
    case Function::sigmoid:
      return math::sigmoid(x);
    case Function::softplus:
      return math::softplus(x);
    case Function::wrap_angle:
      return math::wrap_angle(x);
    case Function::reciprocal:
      return F(1.F) / x;
    case Function::clamp:
      return math::clamp(x, F(-0.5F), F(0.25F));
    case Function::copysign:
      return math::copysign(F(3.F), x);
    case Function::fused:
      return math::fma(x, x, F(-1.F));
    case Function::selected: {
      auto const bits = as_int(x);
      auto const odd = (bits & 1) != 0;
      auto const inside = (x > F(-1.F)) & (x <= F(1.F));
      return select(inside | odd, x + F(1.F), convert<F>((bits >> 7) ^ (bits << 3)));
    }
  }
  return x;
}

struct Evaluate {
  Function function;
  In<float> x;
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, evaluate(function, F(load(x, i))));
  }
};
void evaluate_all(Cpu exec, Function function, In<float> x, Out<float> y);
void evaluate_all(Gpu exec, Function function, In<float> x, Out<float> y);

inline constexpr int kDraws = 7;  // three words, two uniform and two normal numbers

/// Lane i's draws at draws[d * n + i]; its stream is first + i.
struct Draw {
  std::uint64_t seed;
  std::uint32_t first, tick;
  int n;
  Out<float> draws;

  template <class F>
  HD void operator()(Lane<F> i) const {
    Random<F> random(seed, as_uint(iota(i)) + UintOf<F>(first), UintOf<F>(tick), Purpose::step);
    for (int d = 0; d < 3; ++d)
      store(draws.data + static_cast<std::ptrdiff_t>(d) * n, i,
            convert<F>(as_int(random.bits() >> 8)));
    for (int d = 3; d < 5; ++d)
      store(draws.data + static_cast<std::ptrdiff_t>(d) * n, i, random.uniform(F(-2.F), F(3.F)));
    for (int d = 5; d < 7; ++d)
      store(draws.data + static_cast<std::ptrdiff_t>(d) * n, i, random.normal());
  }
};
void draw_all(Cpu exec, Draw const& draw);
void draw_all(Gpu exec, Draw const& draw);

/// y[i] += 1.
struct Count {
  Out<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    store(y, i, F(load(y.data, i)) + F(1.F));
  }
};
void count_lanes(Cpu exec, int n, Out<float> y);
void count_lanes(Gpu exec, int n, Out<float> y);

}  // namespace loom::lane_test
