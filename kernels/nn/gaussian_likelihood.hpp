#pragma once
// A Gaussian decoder whose numbers all have one variance, fixed or learned.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// From a row's squared error (likelihood_loss, squared) to its negative log-likelihood under variance
/// s = exp(log_variance[0]), and what is needed to differentiate weight times the sum over rows:
///   loss_b           squares_b / (2 s) + numbers / 2 ln(2 pi s), in nats
///   slope_b          weight / (2 s): the dloss of likelihood_backward, squared
///   dlog_variance_b  weight (numbers / 2 - squares_b / (2 s)), to be summed over rows
///
/// Shapes   squares, loss: (B), slope and dlog_variance: (B) or empty; log_variance: (1), device memory.
///          numbers: columns of a row.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Rybkin et al. 2021, "Simple and effective VAE training with calibrated decoders".
void gaussian_likelihood(Cpu exec, int numbers, float weight, In<float> squares,
                         In<float> log_variance, Out<float> loss, Out<float> slope,
                         Out<float> dlog_variance);
void gaussian_likelihood(Gpu exec, int numbers, float weight, In<float> squares,
                         In<float> log_variance, Out<float> loss, Out<float> slope,
                         Out<float> dlog_variance);

}  // namespace loom
