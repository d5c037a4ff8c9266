#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/nn/ppo_loss_body.hpp>

namespace loom {

/// Proximal policy optimisation: the gradient of
///   mean max(-A ratio, -A clip(ratio, 1 -+ epsilon)) - c_e entropy + c_v value_loss
/// over a minibatch, with respect to the outputs of the networks, 1 / B included. ratio =
/// exp(log_prob - old_log_prob); value_loss = 1/2 mean (V - R)^2 or, with clip_value,
/// 1/2 mean max((V - R)^2, (V_old + clip(V - V_old, -+ epsilon) - R)^2). The gradient is exactly 0
/// where a clip binds. Everything but `config` lies in device memory and nothing is read by the
/// host: capturable.
///
/// Shapes   logits, mean, action (Gaussian), d_logits, d_mean: [B][A], any stride; log_std,
/// d_log_std: (A);
///          action (discrete), batch, d_value: (B); entropy_coefficient: (1); metrics: both
///          (kPpoMetrics); workspace: ppo_workspace(B, A) bytes, aligned to 16. Gradients are
///          overwritten.
/// Errors   ShapeError if sizes differ or B is 0.
/// Bits     metrics and sums on a tree of B's shape: the same for every machine and lane width.
/// Source   Schulman et al. 2017, "Proximal policy optimization algorithms", equation 9; Huang et
/// al. 2022,
///          "The 37 implementation details of PPO"; Schulman 2020, "Approximating KL divergence"
///          (k1, k3).
void ppo_loss_discrete(Cpu exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> logits, In<std::int32_t> action, PpoBatch batch,
                       OutRows<float> d_logits, Out<float> d_value, PpoMetrics metrics,
                       Out<std::uint8_t> workspace);
void ppo_loss_discrete(Gpu exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> logits, In<std::int32_t> action, PpoBatch batch,
                       OutRows<float> d_logits, Out<float> d_value, PpoMetrics metrics,
                       Out<std::uint8_t> workspace);

/// A diagonal Gaussian with one log_std for all rows.
void ppo_loss_gaussian(Cpu exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> mean, In<float> log_std, InRows<float> action, PpoBatch batch,
                       OutRows<float> d_mean, Out<float> d_log_std, Out<float> d_value,
                       PpoMetrics metrics, Out<std::uint8_t> workspace);
void ppo_loss_gaussian(Gpu exec, PpoConfig const& config, In<float> entropy_coefficient,
                       InRows<float> mean, In<float> log_std, InRows<float> action, PpoBatch batch,
                       OutRows<float> d_mean, Out<float> d_log_std, Out<float> d_value,
                       PpoMetrics metrics, Out<std::uint8_t> workspace);

/// Bytes of workspace that minibatches of `rows` rows and `actions` logits or dimensions need.
std::size_t ppo_workspace(int rows, int actions);

}  // namespace loom
