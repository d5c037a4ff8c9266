#pragma once
// A real number as a distribution over bins, and back (rewards and values of Dreamer version 3).
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>
#include <kernels/linalg/gemm.hpp>
#include <vector>

namespace loom {

/// symexp of `bins` equally spaced numbers from -20 to 20; mirrored bit for bit, 0 in the middle.
/// bins: odd, at least 3; else ShapeError.
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models".
std::vector<float> two_hot_bins(int bins);

/// -sum over bins of w_k log softmax(logits)_k. The two bins around the target share the weight, linearly
/// in the target's own unit; beyond the ends the last bin has all of it.
///
/// Shapes   bins: (K), rising; logits: (B, K), any stride; target, loss, log_normaliser: (B), the last
///          for the backward pass.
/// Units    loss in nats.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
void two_hot_loss(Cpu exec, In<float> bins, InRows<float> logits, In<float> target, Out<float> loss,
                  Out<float> log_normaliser);
void two_hot_loss(Gpu exec, In<float> bins, InRows<float> logits, In<float> target, Out<float> loss,
                  Out<float> log_normaliser);

/// dlogits = dloss (softmax(logits) - w), or added to what is there; dlogits may be logits' memory.
void two_hot_backward(Cpu exec, In<float> bins, InRows<float> logits, In<float> target,
                      In<float> log_normaliser, In<float> dloss, OutRows<float> dlogits,
                      Result result = Result::overwrite);
void two_hot_backward(Gpu exec, In<float> bins, InRows<float> logits, In<float> target,
                      In<float> log_normaliser, In<float> dloss, OutRows<float> dlogits,
                      Result result = Result::overwrite);

/// mean = sum over bins of softmax(logits)_k bins_k, added in pairs from both ends: equal logits give
/// exactly 0 where the bins are mirrored.
///
/// Shapes   mean: (B).
void two_hot_mean(Cpu exec, In<float> bins, InRows<float> logits, Out<float> mean);
void two_hot_mean(Gpu exec, In<float> bins, InRows<float> logits, Out<float> mean);

/// dlogits = the gradient of sum(dmean two_hot_mean(logits)): dlogits_k = dmean p_k (bins_k - mean), with p the softmax
/// and its mean bit for bit: of equal logits and mirrored bins the slopes are mirrored, 0 in the middle.
///
/// Shapes   dmean: (B); dlogits: (B, K), any stride; may be logits' memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
void two_hot_mean_backward(Cpu exec, In<float> bins, InRows<float> logits, In<float> dmean,
                           OutRows<float> dlogits);
void two_hot_mean_backward(Gpu exec, In<float> bins, InRows<float> logits, In<float> dmean,
                           OutRows<float> dlogits);

}  // namespace loom
