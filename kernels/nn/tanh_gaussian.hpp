#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// Squashed Gaussian policies: action = tanh(x), x ~ N(mean, exp(log_std)^2), both of every row its
/// own.
///
/// Shapes   mean, log_std, pre_tanh (x), action: [B][A], any stride, B * stride < 2^31; log_prob:
/// (B). Units    actions in (-1, 1); log-densities of the action in nats. The entropy has no closed
/// form:
///          average -log_prob over draws.
/// Errors   ShapeError if shapes differ.
/// Source   Haarnoja et al. 2018, "Soft Actor-Critic", appendix C, with the stable
///          log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2 x)).

/// Takes x, not the action: atanh of a rounded action loses what the tails need.
void tanh_gaussian_log_prob(Cpu exec, InRows<float> mean, InRows<float> log_std,
                            InRows<float> pre_tanh, Out<float> log_prob);
void tanh_gaussian_log_prob(Gpu exec, InRows<float> mean, InRows<float> log_std,
                            InRows<float> pre_tanh, Out<float> log_prob);

/// Dimension k takes the k-th normal number (two words) of its row.
void tanh_gaussian_sample(Cpu exec, InRows<float> mean, InRows<float> log_std, RowDraws draws,
                          OutRows<float> action, OutRows<float> pre_tanh, Out<float> log_prob);
void tanh_gaussian_sample(Gpu exec, InRows<float> mean, InRows<float> log_std, RowDraws draws,
                          OutRows<float> action, OutRows<float> pre_tanh, Out<float> log_prob);

}  // namespace loom
