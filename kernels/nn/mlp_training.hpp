#pragma once
// Forward and backward through a multilayer perceptron, all layers of a tile of rows at once.
#include <kernels/core/buffer.hpp>
#include <kernels/nn/mlp.hpp>
#include <memory>

namespace loom {

/// One machine's half; owned by MlpTraining.
class MlpTrainingMachine {
 public:
  virtual ~MlpTrainingMachine() = default;
  virtual void forward(Exec const& exec, In<float> parameters, InRows<float> x,
                       OutRows<float> y) = 0;
  virtual void backward(Exec const& exec, In<float> parameters, InRows<float> x, InRows<float> dy,
                        Out<float> gradient, OutRows<float> dx) = 0;
};

/// A network's gradient: forward() keeps the activations, backward() uses them.
///
/// Shapes   x: (rows, inputs), y and dy: (rows, outputs), dx: (rows, inputs) or empty;
///          parameters and gradient: (shape.parameters()), ordered as MlpShape says.
/// Order    backward() follows the forward() of the same x and parameters.
/// Errors   ShapeError if sizes do not fit or rows > max_rows.
/// Precision  fp32 on the CPU; on the GPU bf16 weights and activations, fp32 sums and gradient.
/// Bits     equal from run to run and for any number of threads: rows are summed in slabs whose
///          number comes from the shape alone, the slabs on a fixed tree.
/// Memory   all of it is taken by the constructor; both calls may be captured in a graph.
class MlpTraining {
 public:
  MlpTraining(Exec const& exec, MlpShape shape, int max_rows);

  void forward(In<float> parameters, InRows<float> x, OutRows<float> y) {
    forward(exec_, parameters, x, y);
  }
  void backward(In<float> parameters, InRows<float> x, InRows<float> dy, Out<float> gradient,
                OutRows<float> dx = {}) {
    backward(exec_, parameters, x, dy, gradient, dx);
  }
  /// The same on another stream of the same device, or other threads.
  void forward(Exec const& exec, In<float> parameters, InRows<float> x, OutRows<float> y);
  void backward(Exec const& exec, In<float> parameters, InRows<float> x, InRows<float> dy,
                Out<float> gradient, OutRows<float> dx = {});

  MlpShape const& shape() const { return shape_; }
  int max_rows() const { return max_rows_; }

 private:
  void check(In<float> parameters, int rows, int inputs, int outputs) const;

  Exec exec_;
  MlpShape shape_;
  int max_rows_;
  std::unique_ptr<MlpTrainingMachine> machine_;
};

/// The two machines.
std::unique_ptr<MlpTrainingMachine> make_mlp_training(Cpu exec, MlpShape const& shape,
                                                      int max_rows);
std::unique_ptr<MlpTrainingMachine> make_mlp_training(Gpu exec, MlpShape const& shape,
                                                      int max_rows);

}  // namespace loom
