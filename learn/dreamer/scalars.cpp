#include <kernels/linalg/accumulate.hpp>
#include <kernels/nn/likelihood.hpp>
#include <kernels/nn/two_hot.hpp>
#include <learn/dreamer/scalars.hpp>

namespace loom {

Scalars::Scalars(Exec const& exec, ScalarsShape const& shape, int rows) : shape_(shape) {
  if (shape.kind != ScalarsShape::Kind::two_hot) {
    slope_ = Buffer<float>(exec, static_cast<std::size_t>(rows));
    return;
  }
  bins_ = uploaded(exec, two_hot_bins(shape.bins));
  log_normaliser_ = Buffer<float>(exec, static_cast<std::size_t>(rows));
}

void Scalars::mean(Exec const& exec, InRows<float> outputs, Out<float> mean) const {
  if (shape_.kind == ScalarsShape::Kind::two_hot)
    visit(exec, [&](auto e) { two_hot_mean(e, bins_.in(), outputs, mean); });
  else
    copy(exec, In<float>(outputs.data, mean.size), mean);
}

void Scalars::mean_backward(Exec const& exec, InRows<float> outputs, In<float> dmean,
                            OutRows<float> doutputs) const {
  if (shape_.kind == ScalarsShape::Kind::two_hot)
    visit(exec, [&](auto e) { two_hot_mean_backward(e, bins_.in(), outputs, dmean, doutputs); });
  else
    copy(exec, dmean, Out<float>(doutputs.data, dmean.size));
}

void Scalars::loss(Exec const& exec, InRows<float> outputs, In<float> target, Out<float> loss) {
  visit(exec, [&](auto e) {
    if (shape_.kind == ScalarsShape::Kind::two_hot)
      two_hot_loss(e, bins_.in(), outputs, target, loss, log_normaliser_.out().slice(0, loss.size));
    else
      likelihood_loss(e, Likelihood::normal, outputs, {target.data, outputs.rows, 1}, loss);
  });
}

void Scalars::backward(Exec const& exec, InRows<float> outputs, In<float> target, In<float> dloss,
                       OutRows<float> doutputs, Result result) const {
  visit(exec, [&](auto e) {
    if (shape_.kind == ScalarsShape::Kind::two_hot) {
      two_hot_backward(e, bins_.in(), outputs, target, log_normaliser_.in().slice(0, target.size),
                       dloss, doutputs, result);
    } else {
      bool const adds = result == Result::add;
      OutRows<float> const slope = adds ? OutRows<float>(slope_.data(), outputs.rows, 1) : doutputs;
      likelihood_backward(e, Likelihood::normal, outputs, {target.data, outputs.rows, 1}, dloss,
                          slope);
      if (adds) accumulate(e, slope, doutputs);
    }
  });
}

}  // namespace loom
