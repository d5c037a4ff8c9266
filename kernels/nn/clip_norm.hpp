#pragma once
#include <kernels/core/exec.hpp>
#include <kernels/linalg/reduce.hpp>

namespace loom {

/// norm[0] = sqrt(sum of gradient[i]^2), on one fixed tree. Infinite or NaN if the gradient is, or
/// where the sum leaves the range of floats (norms above 1.8e19).
///
/// Shapes   gradient: (n), n < 2^31; norm: (1); workspace: reduce_workspace(n) bytes, aligned
/// to 16. Errors   ShapeError if sizes differ.
void global_norm(Cpu exec, In<float> gradient, Out<float> norm, Out<std::uint8_t> workspace);
void global_norm(Gpu exec, In<float> gradient, Out<float> norm, Out<std::uint8_t> workspace);

/// Scales a gradient to a norm of at most max_norm > 0: gradient *= min(1, max_norm / (norm +
/// 1e-6)). norm receives what it was before; if that is not finite the gradient is left alone.
///
/// Shapes   as global_norm.
/// Errors   ShapeError if sizes differ; ConfigError if max_norm is not positive.
/// Source   torch.nn.utils.clip_grad_norm_.
void clip_norm(Cpu exec, float max_norm, Out<float> gradient, Out<float> norm,
               Out<std::uint8_t> workspace);
void clip_norm(Gpu exec, float max_norm, Out<float> gradient, Out<float> norm,
               Out<std::uint8_t> workspace);

}  // namespace loom
