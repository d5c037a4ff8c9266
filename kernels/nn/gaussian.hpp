#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// Diagonal Gaussian policies: a mean a row, one log standard deviation a dimension for all rows.
///
/// Shapes   mean, action: [B][A], any stride, B * stride < 2^31; log_std: (A); log_prob: (B);
/// entropy: (1). Units    log-densities and entropies in nats. Errors   ShapeError if shapes
/// differ. Bits     the same for every machine, lane width, row order and batch size.

void gaussian_log_prob(Cpu exec, InRows<float> mean, In<float> log_std, InRows<float> action,
                       Out<float> log_prob);
void gaussian_log_prob(Gpu exec, InRows<float> mean, In<float> log_std, InRows<float> action,
                       Out<float> log_prob);

/// sum over dimensions of 1/2 log(2 pi e sigma^2); the same for every row.
void gaussian_entropy(Cpu exec, In<float> log_std, Out<float> entropy);
void gaussian_entropy(Gpu exec, In<float> log_std, Out<float> entropy);

/// Dimension k takes the k-th normal number (two words) of its row. log_prob, of what was drawn,
/// may be empty.
void gaussian_sample(Cpu exec, InRows<float> mean, In<float> log_std, RowDraws draws,
                     OutRows<float> action, Out<float> log_prob = {});
void gaussian_sample(Gpu exec, InRows<float> mean, In<float> log_std, RowDraws draws,
                     OutRows<float> action, Out<float> log_prob = {});

}  // namespace loom
