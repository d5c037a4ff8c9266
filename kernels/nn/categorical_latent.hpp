#pragma once
// Latent states of several categoricals: sampling, straight-through gradients, Kullback-Leibler
// divergence (Dreamer versions 2 and 3).
#include <kernels/core/exec.hpp>
#include <kernels/nn/kl_weights.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

/// `groups` categoricals of `classes` each, whose probabilities are
/// (1 - unimix) softmax(logits) + unimix / classes.
///
/// Shapes   logits, one_hot and their gradients: (B, groups * classes), any stride, a group's classes
///          together.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Hafner et al. 2021, "Mastering Atari with discrete world models"; 2023, "Mastering diverse
///          domains through world models" (unimix).
struct LatentShape {
  int groups = 32, classes = 32;
  float unimix = 0.01F;
};

/// Draws a class of every group; group g takes word g of the row's numbers.
///
/// Shapes   index: (B * groups), group after group; one_hot may have data = nullptr.
void latent_sample(Cpu exec, LatentShape const& shape, InRows<float> logits, RowDraws draws,
                   Out<std::int32_t> index, OutRows<float> one_hot);
void latent_sample(Gpu exec, LatentShape const& shape, InRows<float> logits, RowDraws draws,
                   Out<std::int32_t> index, OutRows<float> one_hot);

/// The straight-through gradient: as if one_hot were the probabilities. dlogits may be done_hot's memory.
void latent_sample_backward(Cpu exec, LatentShape const& shape, InRows<float> logits,
                            InRows<float> done_hot, OutRows<float> dlogits);
void latent_sample_backward(Gpu exec, LatentShape const& shape, InRows<float> logits,
                            InRows<float> done_hot, OutRows<float> dlogits);

/// kl_b = sum over groups of KL(posterior || prior), in nats.
///
/// Shapes   kl: (B).
void latent_kl(Cpu exec, LatentShape const& shape, InRows<float> posterior, InRows<float> prior,
               Out<float> kl);
void latent_kl(Gpu exec, LatentShape const& shape, InRows<float> posterior, InRows<float> prior,
               Out<float> kl);

/// Both gradients of the divergence, each with its weights.
void latent_kl_backward(Cpu exec, LatentShape const& shape, InRows<float> posterior,
                        InRows<float> prior, KlWeights const& weights, OutRows<float> dposterior,
                        OutRows<float> dprior);
void latent_kl_backward(Gpu exec, LatentShape const& shape, InRows<float> posterior,
                        InRows<float> prior, KlWeights const& weights, OutRows<float> dposterior,
                        OutRows<float> dprior);

}  // namespace loom
