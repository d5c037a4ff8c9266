#pragma once
#include <kernels/core/lane_rows.hpp>
#include <kernels/linalg/reduce_body.hpp>
#include <kernels/nn/norm.hpp>

namespace loom::normalization {

/// Centre and 1 / deviation of every row.
struct LayerStatistics : reduction::Moments {
  InRows<float> x;
  float epsilon;
  float* statistics;

  LayerStatistics(InRows<float> x_, float epsilon_, float* statistics_)
      : x(x_), epsilon(epsilon_), statistics(statistics_) {}

  HD int items(int) const { return x.cols; }
  template <class V, class F>
  HD void add(V& v, int row, Lane<F> item) const {
    Moments::add(v, load(x.row(row), item));
  }
  template <class V>
  HD void finish(int row, V const& v) const {
    statistics[2 * row] = v.mean;
    statistics[2 * row + 1] = 1.F / math::sqrt(v.squares / v.count + epsilon);
  }
};

struct RmsStatistics : reduction::SumOfSquares {
  InRows<float> x;
  float epsilon;
  float* statistics;

  RmsStatistics(InRows<float> x_, float epsilon_, float* statistics_)
      : x(x_), epsilon(epsilon_), statistics(statistics_) {}

  HD int items(int) const { return x.cols; }
  template <class V, class F>
  HD void add(V& v, int row, Lane<F> item) const {
    SumOfSquares::add(v, load(x.row(row), item));
  }
  template <class V>
  HD void finish(int row, V const& v) const {
    statistics[2 * row] = 0.F;
    statistics[2 * row + 1] = 1.F / math::sqrt(v.sum / static_cast<float>(x.cols) + epsilon);
  }
};

/// (x - centre) / deviation of one row.
template <class F>
HD F normal(F x, float const* statistics) {
  return (x - F(statistics[0])) * F(statistics[1]);
}

struct Normalize {
  InRows<float> x;
  float const* gain;
  float const* bias;  // null: none
  float const* statistics;
  OutRows<float> y;

  template <class F>
  HD void operator()(int row, Lane<F> col) const {
    F const unit = normal(F(load(x.row(row), col)), statistics + 2 * row);
    F const shift = bias == nullptr ? F(0.F) : F(load(bias, col));
    store(y.row(row), col, math::fma(unit, F(load(gain, col)), shift));
  }
};

template <class F>
struct TwoSums {
  F slope, slope_unit;
};

/// Means over a row of g = dy * gain and of g * unit.
struct SlopeMeans {
  template <class F>
  using Value = TwoSums<F>;

  Norm kind;
  InRows<float> x, dy;
  float const* gain;
  float const* statistics;
  float* means;

  template <class F>
  HD TwoSums<F> empty() const {
    return {F(0.F), F(0.F)};
  }
  HD int items(int) const { return x.cols; }
  template <class V, class F>
  HD void add(V& v, int row, Lane<F> item) const {
    F const slope = F(load(dy.row(row), item)) * F(load(gain, item));
    v.slope = v.slope + slope;
    v.slope_unit =
        math::fma(slope, normal(F(load(x.row(row), item)), statistics + 2 * row), v.slope_unit);
  }
  template <class V>
  HD void close(V&) const {}
  template <class V>
  HD V merge(V const& a, V const& b) const {
    return {a.slope + b.slope, a.slope_unit + b.slope_unit};
  }
  template <class V>
  HD void finish(int row, V const& v) const {
    float const n = static_cast<float>(x.cols);
    means[2 * row] = kind == Norm::layer ? v.slope / n : 0.F;  // rms has no centre to depend on
    means[2 * row + 1] = v.slope_unit / n;
  }
};

/// dx = (g - mean(g) - unit * mean(g * unit)) / deviation; product = dy * unit, whose column sums
/// are dgain.
struct NormGradient {
  InRows<float> x, dy;
  float const* gain;
  float const* statistics;
  float const* means;
  OutRows<float> dx, product;

  template <class F>
  HD void operator()(int row, Lane<F> col) const {
    F const unit = normal(F(load(x.row(row), col)), statistics + 2 * row);
    F const d = load(dy.row(row), col);
    store(product.row(row), col, d * unit);
    F const slope = math::fma(d, F(load(gain, col)), F(-means[2 * row]));
    store(dx.row(row), col,
          math::fma(unit, F(-means[2 * row + 1]), slope) * F(statistics[2 * row + 1]));
  }
};

// Rows of a few numbers, the channels of a pixel for example: a lane a row, which adds them in order. A fold
// leaves most of its lanes without work: pictures took 3.3 times as long.

struct NarrowRms {
  InRows<float> x;
  float const* gain;
  float const* bias;  // null: none
  float epsilon;
  float* statistics;
  OutRows<float> y;

  template <class F>
  HD void operator()(Lane<F> i) const {
    IntOf<F> const row = iota(i), from = row * IntOf<F>(x.stride), to = row * IntOf<F>(y.stride);
    F sum(0.F);
    for (int c = 0; c < x.cols; ++c) {
      F const v = gather(x.data + c, from);
      sum = math::fma(v, v, sum);
    }
    F const scale = F(1.F) / math::sqrt(sum / F(static_cast<float>(x.cols)) + F(epsilon));
    scatter(statistics, row * IntOf<F>(2), F(0.F));
    scatter(statistics + 1, row * IntOf<F>(2), scale);
    for (int c = 0; c < x.cols; ++c) {
      F const shift(bias == nullptr ? 0.F : bias[c]);
      scatter(y.data + c, to, math::fma(F(gather(x.data + c, from)) * scale, F(gain[c]), shift));
    }
  }
};

struct NarrowRmsGradient {
  InRows<float> x, dy;
  float const* gain;
  float const* statistics;
  OutRows<float> dx, product;

  template <class F>
  HD void operator()(Lane<F> i) const {
    IntOf<F> const row = iota(i), from = row * IntOf<F>(x.stride), at = row * IntOf<F>(dy.stride),
                   to = row * IntOf<F>(dx.stride), kept = row * IntOf<F>(product.stride);
    F const scale = gather(statistics + 1, row * IntOf<F>(2));
    F sum(0.F);
    for (int c = 0; c < x.cols; ++c) {
      F const slope = F(gather(dy.data + c, at)) * F(gain[c]);
      sum = math::fma(slope, F(gather(x.data + c, from)) * scale, sum);
    }
    F const mean = -sum / F(static_cast<float>(x.cols));
    for (int c = 0; c < x.cols; ++c) {
      F const unit = F(gather(x.data + c, from)) * scale, d = gather(dy.data + c, at);
      scatter(product.data + c, kept, d * unit);
      scatter(dx.data + c, to, math::fma(unit, mean, d * F(gain[c])) * scale);
    }
  }
};

}  // namespace loom::normalization
