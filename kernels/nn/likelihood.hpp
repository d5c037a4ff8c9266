#pragma once
// Losses of decoded vectors and images, a row each: negative log-likelihoods up to constants.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Of a prediction x and a target t, summed over a row's numbers:
///   squared            (x - t)^2
///   normal             (x - t)^2 / 2: of a normal distribution of deviation 1
///   symlog_squared     (x - symlog t)^2
///   sigmoid_squared    (sigmoid x - t)^2: images in [0, 1]
///   bernoulli          max(x, 0) - x t + log(1 + exp(-|x|)): logits, targets in [0, 1]
enum class Likelihood : std::int32_t {
  squared,
  normal,
  symlog_squared,
  sigmoid_squared,
  bernoulli
};

/// loss_b = sum over the row's numbers.
///
/// Shapes   prediction: (B, n), target: (B / m, n): m predictions, one after the other, of every target; any
///          strides; loss: (B).
/// Units    targets of bytes are read as byte / 255 + offset.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Kingma, Welling 2014, appendix C; Hafner et al. 2023 (symlog, sigmoid).
void likelihood_loss(Cpu exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                     Out<float> loss);
void likelihood_loss(Gpu exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                     Out<float> loss);
void likelihood_loss(Cpu exec, Likelihood kind, InRows<float> prediction,
                     InRows<std::uint8_t> target, float offset, Out<float> loss);
void likelihood_loss(Gpu exec, Likelihood kind, InRows<float> prediction,
                     InRows<std::uint8_t> target, float offset, Out<float> loss);

/// Where every prediction has a target of its own: its gradient of sum over b of dloss_b loss_b; it may be the prediction's memory.
void likelihood_backward(Cpu exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                         In<float> dloss, OutRows<float> dprediction);
void likelihood_backward(Gpu exec, Likelihood kind, InRows<float> prediction, InRows<float> target,
                         In<float> dloss, OutRows<float> dprediction);
void likelihood_backward(Cpu exec, Likelihood kind, InRows<float> prediction,
                         InRows<std::uint8_t> target, float offset, In<float> dloss,
                         OutRows<float> dprediction);
void likelihood_backward(Gpu exec, Likelihood kind, InRows<float> prediction,
                         InRows<std::uint8_t> target, float offset, In<float> dloss,
                         OutRows<float> dprediction);

/// y = sign(x) log(1 + |x|); y may be x's memory.
///
/// Shapes   (n) each.
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models", equation 9.
void symlog(Cpu exec, In<float> x, Out<float> y);
void symlog(Gpu exec, In<float> x, Out<float> y);

/// y = sign(x) (exp|x| - 1), the inverse.
void symexp(Cpu exec, In<float> x, Out<float> y);
void symexp(Gpu exec, In<float> x, Out<float> y);

}  // namespace loom
