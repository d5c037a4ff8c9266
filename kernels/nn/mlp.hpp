#pragma once
// Multilayer perceptrons up to 256 wide: all layers in one kernel, no activation in global memory.
#include <kernels/core/buffer.hpp>
#include <kernels/core/dense_layout.hpp>
#include <kernels/nn/activation.hpp>
#include <vector>

namespace loom {

/// sizes[0] inputs, then the outputs of every layer; `hidden` after all layers but the last.
///
/// Parameters are one flat float array as PyTorch orders them: per layer W[out][in], then b[out].
struct MlpShape {
  std::vector<int> sizes;
  Activation hidden = Activation::tanh;
  Activation output = Activation::identity;

  int depth() const { return static_cast<int>(sizes.size()) - 1; }
  int inputs() const { return sizes.front(); }
  int outputs() const { return sizes.back(); }
  int parameters() const;
  /// Where layer l's W begins among the parameters.
  int offset(int layer) const;
  /// Throws ShapeError unless there are 1 to 8 layers of 1 to 256 columns.
  void check(char const* who) const;
};

/// What kernel bodies get of a packed network.
struct MlpView {
  DenseStack stack;
  Activation hidden = Activation::identity;
  Activation output = Activation::identity;
};

/// A network's parameters in the machine's order (GPU: bf16 weights, fp32 biases). Contents are
/// undefined before the first pack().
class PackedMlp {
 public:
  PackedMlp() = default;
  PackedMlp(Exec const& exec, MlpShape shape);

  /// Takes over shape().parameters() values. A kernel: may be captured in a graph.
  void pack(Exec const& exec, In<float> parameters);
  void pack(In<float> parameters) { pack(memory_.exec(), parameters); }
  MlpView view() const { return view_; }
  MlpShape const& shape() const { return shape_; }

 private:
  MlpShape shape_;
  Buffer<std::byte> memory_;
  MlpView view_;
};

/// y = net(x) for every row.
///
/// Shapes   x: (rows, inputs); y: (rows, outputs). y must not alias x.
/// Errors   ShapeError if the sizes do not fit the network.
/// Precision  fp32 on the CPU; on the GPU bf16 weights and activations, fp32 sums.
void mlp_forward(Cpu exec, MlpView const& net, InRows<float> x, OutRows<float> y);
void mlp_forward(Gpu exec, MlpView const& net, InRows<float> x, OutRows<float> y);

/// The kernel behind PackedMlp::pack.
void mlp_pack(Cpu exec, MlpView const& net, In<float> parameters);
void mlp_pack(Gpu exec, MlpView const& net, In<float> parameters);

}  // namespace loom
