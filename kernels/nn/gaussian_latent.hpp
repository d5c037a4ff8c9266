#pragma once
// Latent states that are diagonal Gaussians: reparameterised draws and divergence (VAE, Dreamer
// version 1).
#include <kernels/core/exec.hpp>
#include <kernels/nn/kl_weights.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// A normal distribution a number.
///
/// Shapes   (B, k) each, any stride.
struct GaussianRows {
  InRows<float> mean, log_std;
};

/// z = mean + exp(log_std) epsilon; dimension d takes the d-th normal number of its row. The backward
/// pass draws the same numbers again: none is stored.
///
/// Shapes   z: (n B, k): n draws of every row, one after the other; the backward pass is of n = 1.
/// Bits     the same for every machine, row order and batch size.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Kingma, Welling 2014, "Auto-encoding variational Bayes", equation 10.
void gaussian_latent_sample(Cpu exec, GaussianRows const& latent, RowDraws draws, OutRows<float> z);
void gaussian_latent_sample(Gpu exec, GaussianRows const& latent, RowDraws draws, OutRows<float> z);

/// dlog_std = dz exp(log_std) epsilon; mean's gradient is dz itself. dlog_std may be dz's memory.
void gaussian_latent_sample_backward(Cpu exec, InRows<float> log_std, RowDraws draws,
                                     InRows<float> dz, OutRows<float> dlog_std);
void gaussian_latent_sample_backward(Gpu exec, InRows<float> log_std, RowDraws draws,
                                     InRows<float> dz, OutRows<float> dlog_std);

/// kl_b = sum over dimensions of KL(posterior || prior), in nats; a prior with data = nullptr is the
/// standard normal distribution.
///
/// Shapes   kl: (B).
/// Bits     the same on every machine. KL(p || p) is exactly 0.
void gaussian_latent_kl(Cpu exec, GaussianRows const& posterior, GaussianRows const& prior,
                        Out<float> kl);
void gaussian_latent_kl(Gpu exec, GaussianRows const& posterior, GaussianRows const& prior,
                        Out<float> kl);

/// z = the row's normal numbers, those of gaussian_latent_sample, each between -clip and clip; no clip where
/// it is 0.
///
/// Shapes   z: (B, k).
/// Errors   ShapeError if the sizes do not fit; ConfigError if clip is negative.
/// Source   Fujimoto et al. 2019, "Off-policy deep reinforcement learning without exploration", the
///          authors' code, whose clip is 0.5.
void gaussian_latent_prior_sample(Cpu exec, float clip, RowDraws draws, OutRows<float> z);
void gaussian_latent_prior_sample(Gpu exec, float clip, RowDraws draws, OutRows<float> z);

/// log_ratio = sum over dimensions of log p(z) - log posterior(z), in nats, p the standard normal
/// distribution: what an importance weight has besides the likelihood.
///
/// Shapes   z: (n B, k): n draws of every row of the posterior, one after the other; log_ratio: (n B).
/// Bits     the same on every machine.
void gaussian_latent_log_ratio(Cpu exec, GaussianRows const& posterior, InRows<float> z,
                               Out<float> log_ratio);
void gaussian_latent_log_ratio(Gpu exec, GaussianRows const& posterior, InRows<float> z,
                               Out<float> log_ratio);

/// What gaussian_latent_kl_backward writes, (B, k) each; the prior's may have data = nullptr.
struct GaussianGradients {
  OutRows<float> mean, log_std;
};

/// Both gradients of the divergence, each with its weights.
void gaussian_latent_kl_backward(Cpu exec, GaussianRows const& posterior, GaussianRows const& prior,
                                 KlWeights const& weights, GaussianGradients const& dposterior,
                                 GaussianGradients const& dprior);
void gaussian_latent_kl_backward(Gpu exec, GaussianRows const& posterior, GaussianRows const& prior,
                                 KlWeights const& weights, GaussianGradients const& dposterior,
                                 GaussianGradients const& dprior);

}  // namespace loom
