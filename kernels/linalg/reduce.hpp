#pragma once
// Sums and moments on one fixed tree: the bits depend on the shape alone, never on device or
// threads. Results stay where the data is; nothing is allocated, so everything can be captured.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Bytes of workspace for a vector of n, and for the columns of (rows, cols).
std::size_t reduce_workspace(std::size_t n);
std::size_t column_reduce_workspace(int rows, int cols);

/// y[0] = sum of x[i].
///
/// Shapes   x: (n), n < 2^31; y: (1); workspace: reduce_workspace(n) bytes, aligned to 16.
/// Errors   ShapeError if the sizes do not fit.
void sum(Cpu exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace);
void sum(Gpu exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace);

/// y[0] = sum of x[i]^2. Shapes and errors as sum.
void sum_of_squares(Cpu exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace);
void sum_of_squares(Gpu exec, In<float> x, Out<float> y, Out<std::uint8_t> workspace);

/// mean[0] and variance[0] = sum of (x[i] - mean)^2 / n, the population's.
///
/// Shapes   x: (n), 1 <= n < 2^31; mean, variance: (1); workspace: reduce_workspace(n) bytes.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance", pairwise
/// update.
void mean_and_variance(Cpu exec, In<float> x, Out<float> mean, Out<float> variance,
                       Out<std::uint8_t> workspace);
void mean_and_variance(Gpu exec, In<float> x, Out<float> mean, Out<float> variance,
                       Out<std::uint8_t> workspace);

/// y[c] = sum over r of x[r][c].
///
/// Shapes   x: (rows, cols), any stride; y: (cols); workspace: column_reduce_workspace(rows, cols)
/// bytes. Errors   ShapeError if the sizes do not fit.
void column_sum(Cpu exec, InRows<float> x, Out<float> y, Out<std::uint8_t> workspace);
void column_sum(Gpu exec, InRows<float> x, Out<float> y, Out<std::uint8_t> workspace);

/// mean[c] and variance[c] (the population's) of every column.
///
/// Shapes   x: (rows, cols), rows >= 1; mean, variance: (cols); workspace as column_sum.
/// Errors   ShapeError if the sizes do not fit.
void column_mean_and_variance(Cpu exec, InRows<float> x, Out<float> mean, Out<float> variance,
                              Out<std::uint8_t> workspace);
void column_mean_and_variance(Gpu exec, InRows<float> x, Out<float> mean, Out<float> variance,
                              Out<std::uint8_t> workspace);

}  // namespace loom
