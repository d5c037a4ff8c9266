#pragma once
// Reverse mode over row-major matrices: a program recorded once, replayed without allocation.
#include <functional>
#include <kernels/core/buffer.hpp>
#include <kernels/nn/conv_encoder.hpp>
#include <kernels/nn/mlp_training.hpp>
#include <vector>

namespace loom {

/// Nodes are recorded in order; forward() runs them in that order, backward() in reverse. Shapes are known
/// when a node is recorded and its memory is taken then, so both can be captured in a graph.
///
/// A value that several nodes read has one gradient slot a reader; the slots are added, in the order of
/// the readers, before its own node runs backwards: no zeroing, no accumulation flags, one order.
class GradientTape {
 public:
  /// A matrix on the tape.
  struct Value {
    int index = -1;
  };
  using Forward = std::function<void(Exec const&)>;
  /// Gets the gradient slots of the node's inputs, to be overwritten; empty for inputs without gradient.
  using Backward = std::function<void(Exec const&, std::vector<OutRows<float>> const&)>;

  explicit GradientTape(Exec const& exec) : exec_(exec) {}
  GradientTape(GradientTape const&) = delete;
  GradientTape& operator=(GradientTape const&) = delete;

  /// A matrix that the caller fills before forward(); it has no gradient.
  Value input(int rows, int cols);
  /// A matrix made by `forward` from `inputs`; `backward` turns gradient(result) into theirs.
  Value node(int rows, int cols, std::vector<Value> inputs, Forward forward, Backward backward);
  /// The end of a program: `backward` writes the gradients of `inputs` out of nothing but their values.
  void loss(std::vector<Value> inputs, Backward backward);

  /// net(x); the parameters' gradient is overwritten. net and the views must outlive the tape.
  Value mlp(Value x, MlpTraining& net, In<float> parameters, Out<float> gradient);

  /// Layers of any width. parameters: the weights, then the biases, which may be left out; gradient is as
  /// long and is overwritten. The views must outlive the tape. In backward() the gradient of their result
  /// is multiplied by the activation's derivative in place.
  ///
  /// activation(w * x + b); the parameters as kernels/linalg/conv.hpp orders them.
  Value conv(Value x, ConvShape const& shape, Activation activation, In<float> parameters,
             Out<float> gradient);
  /// The same of images that the caller fills before forward(), bytes for example.
  Value conv(ConvInput const& x, ConvShape const& shape, Activation activation,
             In<float> parameters, Out<float> gradient);
  /// The transposed convolution: from shape.outputs() columns to shape.inputs(); a bias a channel.
  Value conv_transposed(Value x, ConvShape const& shape, Activation activation,
                        In<float> parameters, Out<float> gradient);
  /// activation(x W^T + b), W[outputs][inputs].
  Value dense(Value x, int outputs, Activation activation, In<float> parameters,
              Out<float> gradient);
  /// All layers of an encoder.
  Value encoder(ConvInput const& x, ConvEncoderShape const& shape, In<float> parameters,
                Out<float> gradient);

  void forward() { forward(exec_); }
  void forward(Exec const& exec);
  /// After forward(). Throws ShapeError when nothing ends the program.
  void backward() { backward(exec_); }
  void backward(Exec const& exec);

  OutRows<float> value(Value v) { return matrix(values_[at(v)].value, v); }
  /// Complete once every reader has run backwards, so inside the node's own Backward and after backward().
  OutRows<float> gradient(Value v);
  /// Bytes of all values, gradients and what layers need besides.
  std::size_t bytes() const;

 private:
  struct Stored {
    int rows, cols;
    bool differentiable;
    Buffer<float> value;
    std::vector<Buffer<float>> slots;  // one a reader, in the order of recording
  };
  struct Node {
    Forward forward;
    Backward backward;
    std::vector<Value> inputs;
    std::vector<int> slots;  // which slot of each input is this node's; -1 without gradient
    Value result;            // index -1 for a loss
  };

  std::size_t at(Value v) const { return static_cast<std::size_t>(v.index); }
  OutRows<float> matrix(Buffer<float>& b, Value v) {
    return {b.data(), values_[at(v)].rows, values_[at(v)].cols};
  }
  /// y and what the activation got (empty unless its derivative is taken there).
  using LayerForward = std::function<void(Exec const&, OutRows<float> y, OutRows<float> input)>;
  /// kept: y, or what the activation got; dy becomes dz; dx may be empty.
  using LayerBackward =
      std::function<void(Exec const&, InRows<float> kept, OutRows<float> dy, OutRows<float> dx)>;

  Value add_value(int rows, int cols, bool differentiable);
  void record(Node node);
  /// A node that keeps its activation's input where the derivative needs it.
  Value layer(int rows, int cols, std::vector<Value> inputs, Activation activation,
              LayerForward forward, LayerBackward backward);
  template <class Read>
  Value conv_of(int rows, std::vector<Value> const& inputs, Read const& read,
                ConvShape const& shape, Activation activation, In<float> parameters,
                Out<float> gradient);
  /// The workspace that all layers share becomes at least that large.
  void need_workspace(std::size_t bytes);

  Exec exec_;
  std::vector<Stored> values_;
  std::vector<Node> nodes_;
  std::vector<Buffer<float>> activation_inputs_;
  Buffer<std::uint8_t> workspace_;
};

}  // namespace loom
