#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/dense.hpp>
#include <learn/core/tape.hpp>

namespace loom {
namespace {

/// A layer's views of its parameters and of their gradient.
struct Views {
  In<float> weight, bias;
  Out<float> dweight, dbias;

  Views(char const* who, int weights, int biases, In<float> parameters, Out<float> gradient) {
    auto const w = static_cast<std::size_t>(weights), b = static_cast<std::size_t>(biases);
    require(parameters.size == w || parameters.size == w + b, who, ": ", parameters.size,
            " parameters (needs ", w, " weights and ", b, " biases or none)");
    require(gradient.size == parameters.size, who, ": ", parameters.size,
            " parameters, their gradient has ", gradient.size);
    weight = parameters.slice(0, w), bias = parameters.slice(w, parameters.size - w);
    dweight = gradient.slice(0, w), dbias = gradient.slice(w, gradient.size - w);
  }
};

}  // namespace

void GradientTape::need_workspace(std::size_t bytes) {
  if (bytes > workspace_.size()) workspace_ = Buffer<std::uint8_t>(exec_, bytes);
}

GradientTape::Value GradientTape::layer(int rows, int cols, std::vector<Value> inputs,
                                        Activation activation, LayerForward forward,
                                        LayerBackward backward) {
  Value const y{static_cast<int>(values_.size())};
  int kept = -1;
  if (keeps_input(activation)) {
    kept = static_cast<int>(activation_inputs_.size());
    activation_inputs_.emplace_back(
        exec_, static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  }
  auto const input = [this, kept, rows, cols] {
    return kept < 0 ? OutRows<float>{}
                    : OutRows<float>(activation_inputs_[static_cast<std::size_t>(kept)].data(),
                                     rows, cols);
  };
  return node(
      rows, cols, std::move(inputs),
      [this, y, input, forward = std::move(forward)](Exec const& exec) {
        forward(exec, value(y), input());
      },
      [this, y, input, kept, backward = std::move(backward)](
          Exec const& exec, std::vector<OutRows<float>> const& dx) {
        backward(exec, kept < 0 ? value(y) : input(), gradient(y),
                 dx.empty() ? OutRows<float>{} : dx[0]);
      });
}

/// read() gives the images.
template <class Read>
GradientTape::Value GradientTape::conv_of(int rows, std::vector<Value> const& inputs,
                                          Read const& read, ConvShape const& shape,
                                          Activation activation, In<float> parameters,
                                          Out<float> gradient) {
  shape.check("tape: conv");
  Views const v("tape: conv", shape.weights(), shape.filters, parameters, gradient);
  need_workspace(visit(exec_, [&](auto e) { return conv_workspace(e, shape, rows); }));
  return layer(
      rows, shape.outputs(), inputs, activation,
      [this, read, shape, activation, v](Exec const& exec, OutRows<float> y, OutRows<float> input) {
        visit(exec, [&](auto e) {
          loom::conv(e, shape, read(), v.weight, v.bias, y, input,
                     {.activation = activation, .workspace = workspace_.out()});
        });
      },
      [this, read, shape, activation, v](Exec const& exec, InRows<float> kept, OutRows<float> dy,
                                         OutRows<float> dx) {
        visit(exec, [&](auto e) {
          conv_backward(e, shape, read(), v.weight, kept, dy, dy,
                        {.dx = dx, .dweight = v.dweight, .dbias = v.dbias},
                        {.activation = activation, .workspace = workspace_.out()});
        });
      });
}

GradientTape::Value GradientTape::conv(Value x, ConvShape const& shape, Activation activation,
                                       In<float> parameters, Out<float> gradient) {
  return conv_of(
      values_[at(x)].rows, {x}, [this, x] { return ConvInput(value(x)); }, shape, activation,
      parameters, gradient);
}

GradientTape::Value GradientTape::conv(ConvInput const& x, ConvShape const& shape,
                                       Activation activation, In<float> parameters,
                                       Out<float> gradient) {
  return conv_of(
      x.rows(), {}, [x] { return x; }, shape, activation, parameters, gradient);
}

GradientTape::Value GradientTape::conv_transposed(Value x, ConvShape const& shape,
                                                  Activation activation, In<float> parameters,
                                                  Out<float> gradient) {
  shape.check("tape: conv_transposed");
  Views const v("tape: conv_transposed", shape.weights(), shape.channels, parameters, gradient);
  int const rows = values_[at(x)].rows;
  need_workspace(visit(exec_, [&](auto e) { return conv_workspace(e, shape, rows); }));
  return layer(
      rows, shape.inputs(), {x}, activation,
      [this, x, shape, activation, v](Exec const& exec, OutRows<float> y, OutRows<float> input) {
        visit(exec, [&](auto e) {
          loom::conv_transposed(e, shape, value(x), v.weight, v.bias, y, input,
                                {.activation = activation, .workspace = workspace_.out()});
        });
      },
      [this, x, shape, activation, v](Exec const& exec, InRows<float> kept, OutRows<float> dy,
                                      OutRows<float> dx) {
        visit(exec, [&](auto e) {
          conv_transposed_backward(e, shape, value(x), v.weight, kept, dy, dy,
                                   {.dx = dx, .dweight = v.dweight, .dbias = v.dbias},
                                   {.activation = activation, .workspace = workspace_.out()});
        });
      });
}

GradientTape::Value GradientTape::dense(Value x, int outputs, Activation activation,
                                        In<float> parameters, Out<float> gradient) {
  int const rows = values_[at(x)].rows, inputs = values_[at(x)].cols;
  require(outputs > 0, "tape: dense: ", outputs, " outputs (needs 1 or more)");
  Views const v("tape: dense", inputs * outputs, outputs, parameters, gradient);
  need_workspace(visit(exec_, [&](auto e) { return dense_workspace(e, rows, outputs); }));
  InRows<float> const weight(v.weight.data, outputs, inputs);
  OutRows<float> const dweight(v.dweight.data, outputs, inputs);
  return layer(
      rows, outputs, {x}, activation,
      [this, x, activation, v, weight](Exec const& exec, OutRows<float> y, OutRows<float> input) {
        visit(exec, [&](auto e) {
          loom::dense(e, value(x), weight, v.bias, y, input,
                      {.activation = activation, .workspace = workspace_.out()});
        });
      },
      [this, x, activation, v, weight, dweight](Exec const& exec, InRows<float> kept,
                                                OutRows<float> dy, OutRows<float> dx) {
        visit(exec, [&](auto e) {
          dense_backward(e, value(x), weight, kept, dy, dy,
                         {.dx = dx, .dweight = dweight, .dbias = v.dbias},
                         {.activation = activation, .workspace = workspace_.out()});
        });
      });
}

GradientTape::Value GradientTape::encoder(ConvInput const& x, ConvEncoderShape const& shape,
                                          In<float> parameters, Out<float> gradient) {
  shape.check("tape: encoder");
  require(!shape.layers.empty(), "tape: encoder: no convolution (needs one)");
  Views const all("tape: encoder", shape.parameters(), 0, parameters, gradient);
  Value v;
  std::size_t begin = 0;
  for (int l = 0; l < shape.depth(); ++l) {
    auto const n = static_cast<std::size_t>(shape.layer_weights(l) + shape.layer_biases(l));
    In<float> const p = parameters.slice(begin, n);
    Out<float> const d = gradient.slice(begin, n);
    begin += n;
    if (l == 0)
      v = conv(x, shape.conv(0), shape.activation, p, d);
    else if (l < static_cast<int>(shape.layers.size()))
      v = conv(v, shape.conv(l), shape.activation, p, d);
    else
      v = dense(v, shape.layer_outputs(l), shape.activation, p, d);
  }
  return v;
}

}  // namespace loom
