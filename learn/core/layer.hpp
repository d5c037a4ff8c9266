#pragma once
// Trainable layers that run once a step of a sequence: activation(norm(x W^T + b)).
#include <kernels/core/buffer.hpp>
#include <kernels/core/joint_layer.hpp>
#include <kernels/linalg/gemm.hpp>
#include <kernels/nn/activation.hpp>
#include <kernels/nn/norm.hpp>
#include <learn/core/parameters.hpp>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// Columns of part g of `parts` equal ones.
template <class Rows>
Rows column_part(Rows x, int g, int parts) {
  int const n = x.cols / parts;
  return {x.data + g * n, x.rows, n, x.stride};
}

/// One layer. With `blocks` > 1 its first input and its outputs are cut in as many equal parts, and part g of
/// the outputs sees part g of the first input and the whole of the others.
struct LayerShape {
  std::vector<int> inputs;  ///< columns of each input
  int outputs = 1;
  std::optional<Norm> norm = {};
  Activation activation = Activation::identity;
  float epsilon = 1e-4F;  ///< of the norm
  int blocks = 1;

  /// Columns of the weight matrix.
  int width() const;
  /// Throws ConfigError unless sizes are positive and blocks divide them.
  void check(std::string const& name) const;
};

/// `name`.weight (outputs, width), `name`.bias, and with a norm `name`.gain; a layer norm has `name`.shift.
std::vector<ParameterShape> layer_parameters(std::string const& name, LayerShape const& shape);

/// Weights from a normal distribution cut at two deviations, of deviation scale / sqrt(inputs), inputs
/// counted over all blocks; biases 0, gains 1. In the order of layer_parameters.
///
/// Source   Hafner et al. 2023, the authors' code.
std::vector<float> initial_layer(LayerShape const& shape, float scale, std::uint64_t seed,
                                 std::uint32_t stream);
/// So many of those weights alone.
std::vector<float> cut_normals(std::size_t count, float fan_in, float scale, std::uint64_t seed,
                               std::uint32_t stream);

/// A layer at work on `rows` rows a step, `steps` of them, whose activations it keeps for the way back.
///
/// Order    forward(t), ..., backward(t) for any steps, then weight_gradient() once for all of them: the
///          steps of a sequence share one product.
/// Memory   all of it is taken by the constructor; everything else can be captured in a graph.
class Layer {
 public:
  using Inputs = std::vector<InRows<float>>;
  /// Where the gradient of an input goes; data = nullptr: nowhere. Of fewer rows than a step has, it gets
  /// those of the last ones.
  struct Gradient {
    OutRows<float> to{};
    Result result = Result::overwrite;
  };
  using Gradients = std::vector<Gradient>;

  /// Parameters `name`.* must outlive the layer. Without `trains` only forward() may be called, and steps
  /// share their memory. Throws ConfigError for a shape that does not fit itself.
  Layer(Exec const& exec, LayerShape shape, int rows, int steps, Parameters& parameters,
        std::string const& name, bool trains = true);

  /// y = layer(x), inputs (rows, inputs[k]), y (rows, outputs), any strides; y is no input.
  void forward(Exec const& exec, int step, Inputs const& x, OutRows<float> y) {
    forward(exec, step, 0, x, y);
  }
  /// The same of some rows of the step, the first being `first`: x and y have these rows alone.
  void forward(Exec const& exec, int step, int first, Inputs const& x, OutRows<float> y);
  /// After forward(step): dx[k] = or += the gradient of sum(y dy).
  void backward(Exec const& exec, int step, InRows<float> y, InRows<float> dy,
                Gradients const& dx = {});
  /// Overwrites the parameters' gradient by that of all steps; x: (steps * rows, inputs[k]).
  void weight_gradient(Exec const& exec, Inputs const& x);

  LayerShape const& shape() const { return shape_; }
  int rows() const { return rows_; }
  /// y = x W_k^T, the share of input k in the sums, for kernels that take it as it is; x, y of any rows.
  void share(Exec const& exec, int input, InRows<float> x, OutRows<float> y);
  /// Where kernels shall leave what forward() would have kept of all steps; y: its outputs of all steps.
  KeptLayer keep(OutRows<float> y);

 private:
  OutRows<float> at(Buffer<float>& b, int step) const { return at(b, step, 0, rows_); }
  OutRows<float> at(Buffer<float>& b, int step, int first, int rows) const;
  InRows<float> weight(int input, int block) const;
  int first_column(int input) const;

  Exec exec_;
  LayerShape shape_;
  int rows_, steps_;
  bool trains_;
  Out<float> weight_, bias_, gain_, shift_;
  Out<float> dweight_, dbias_, dgain_, dshift_;
  Buffer<float> sums_, inner_, slope_;  // x W^T + b, what the activation gets, gradient of sums
  Buffer<float> statistics_, dgains_, dshifts_;
  Buffer<std::uint8_t> workspace_;
};

/// Layers one after the other.
class Stack {
 public:
  /// `hidden` layers of `units` columns, then, unless outputs is 0, a linear one.
  struct Shape {
    std::vector<int> inputs;
    int layers = 1, units = 1, outputs = 0;
    std::optional<Norm> norm = {};
    Activation activation = Activation::silu;
    float output_scale = 1.F;  ///< of the last layer's initial weights

    std::vector<LayerShape> all() const;
    int columns() const { return outputs > 0 ? outputs : units; }
  };

  Stack(Exec const& exec, Shape const& shape, int rows, int steps, Parameters& parameters,
        std::string const& name, bool trains = true);

  /// Returns the last layer's output, valid until the next forward() of the same step.
  InRows<float> forward(Exec const& exec, int step, Layer::Inputs const& x);
  /// dy: (rows, columns).
  void backward(Exec const& exec, int step, InRows<float> dy, Layer::Gradients const& dx = {});
  void weight_gradient(Exec const& exec, Layer::Inputs const& x);
  /// All outputs: (steps * rows, columns).
  OutRows<float> output() { return all(layers_.size() - 1); }
  /// Layer::keep of every layer, one after the other, to the end of `kept`.
  void keep(std::vector<KeptLayer>& kept);
  /// Layer::share of the first layer.
  void share(Exec const& exec, int input, InRows<float> x, OutRows<float> y) {
    layers_[0].share(exec, input, x, y);
  }
  /// Those of one step.
  OutRows<float> output(int step) { return at(layers_.size() - 1, step); }

 private:
  void forward_rows(Exec const& exec, int step, int first, int rows, Layer::Inputs const& x);
  OutRows<float> at(std::size_t layer, int step);
  OutRows<float> all(std::size_t layer) {
    return {outputs_[layer].data(), rows_ * steps_, layers_[layer].shape().outputs};
  }

  std::vector<Layer> layers_;
  std::vector<Buffer<float>> outputs_, slopes_;
  int rows_, steps_;
  bool trains_;
};

/// Parameters and initial values of a Stack, as layer_parameters and initial_layer.
std::vector<ParameterShape> stack_parameters(std::string const& name, Stack::Shape const& shape);
void initialise_stack(Exec const& exec, Stack::Shape const& shape, std::uint64_t seed,
                      std::uint32_t stream, Parameters& parameters, std::string const& name);

}  // namespace loom
