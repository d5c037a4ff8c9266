#include <kernels/nn/mlp_training.hpp>
#include <utility>

namespace loom {

MlpTraining::MlpTraining(Exec const& exec, MlpShape shape, int max_rows)
    : exec_(exec), shape_(std::move(shape)), max_rows_(max_rows) {
  shape_.check("mlp training");
  require(max_rows >= 1, "mlp training: room for ", max_rows, " rows (needs 1 or more)");
  machine_ = visit(exec, [&](auto e) { return make_mlp_training(e, shape_, max_rows); });
}

void MlpTraining::check(In<float> parameters, int rows, int inputs, int outputs) const {
  require(parameters.size == static_cast<std::size_t>(shape_.parameters()),
          "mlp training: ", parameters.size, " parameters (needs ", shape_.parameters(), ")");
  require(rows >= 1 && rows <= max_rows_, "mlp training: ", rows, " rows (has room for 1 to ",
          max_rows_, ")");
  require(inputs == shape_.inputs() && outputs == shape_.outputs(), "mlp training: ", inputs,
          " -> ", outputs, " columns by a network ", shape_.inputs(), " -> ", shape_.outputs());
}

void MlpTraining::forward(Exec const& exec, In<float> parameters, InRows<float> x,
                          OutRows<float> y) {
  check(parameters, x.rows, x.cols, y.cols);
  require(y.rows == x.rows, "mlp training: ", x.rows, " rows of x, ", y.rows, " of y");
  machine_->forward(exec, parameters, x, y);
}

void MlpTraining::backward(Exec const& exec, In<float> parameters, InRows<float> x,
                           InRows<float> dy, Out<float> gradient, OutRows<float> dx) {
  check(parameters, x.rows, x.cols, dy.cols);
  require(dy.rows == x.rows && gradient.size == parameters.size, "mlp training: ", x.rows,
          " rows of x, ", dy.rows, " of dy; a gradient of ", gradient.size, " (needs ",
          parameters.size, ")");
  require(dx.data == nullptr || (dx.rows == x.rows && dx.cols == x.cols), "mlp training: dx is ",
          dx.rows, " x ", dx.cols, " (needs ", x.rows, " x ", x.cols, ")");
  machine_->backward(exec, parameters, x, dy, gradient, dx);
}

}  // namespace loom
