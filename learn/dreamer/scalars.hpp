#pragma once
// Heads that predict one number: rewards and values.
#include <kernels/core/buffer.hpp>
#include <kernels/linalg/gemm.hpp>

namespace loom {

/// two_hot: a distribution over bins (version 3); normal: the mean of a normal distribution of deviation 1.
struct ScalarsShape {
  enum class Kind { two_hot, normal };
  Kind kind = Kind::two_hot;
  int bins = 255;

  int outputs() const { return kind == Kind::two_hot ? bins : 1; }
};

/// What the outputs of such a head mean, for up to `rows` of them. Outputs: (n, outputs()), contiguous.
class Scalars {
 public:
  Scalars(Exec const& exec, ScalarsShape const& shape, int rows);

  void mean(Exec const& exec, InRows<float> outputs, Out<float> mean) const;
  /// doutputs = the gradient of sum(dmean mean).
  void mean_backward(Exec const& exec, InRows<float> outputs, In<float> dmean,
                     OutRows<float> doutputs) const;
  /// Negative log-likelihood up to constants: (n), in nats.
  void loss(Exec const& exec, InRows<float> outputs, In<float> target, Out<float> loss);
  /// After loss() of the same outputs: (+)= the gradient of sum(dloss loss) for this or another target.
  void backward(Exec const& exec, InRows<float> outputs, In<float> target, In<float> dloss,
                OutRows<float> doutputs, Result result = Result::overwrite) const;

 private:
  ScalarsShape shape_;
  Buffer<float> bins_, log_normaliser_;
  mutable Buffer<float> slope_;  // what is added to another gradient
};

}  // namespace loom
