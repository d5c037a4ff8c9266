#include <cmath>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/deviation.hpp>
#include <learn/dreamer/latent_entropy.hpp>

namespace loom {

LatentEntropy::LatentEntropy(Exec const& exec, LatentsShape const& shape, int rows)
    : shape_(shape) {
  if (shape.kind == LatentsShape::Kind::categorical) {
    uniform_ = zeros<float>(exec, static_cast<std::size_t>(shape.size()));
    row_ = Buffer<float>(exec, elements(rows, 1));
    workspace_ = Buffer<std::uint8_t>(exec, reduce_workspace(row_.size()));
  } else {
    log_std_ = Buffer<float>(exec, elements(rows, shape.gaussian));
    workspace_ = Buffer<std::uint8_t>(exec, reduce_workspace(log_std_.size()));
  }
}

void LatentEntropy::sum(Exec const& exec, InRows<float> statistics, Out<float> total) {
  int const rows = statistics.rows;
  visit(exec, [&](auto e) {
    if (shape_.kind == LatentsShape::Kind::categorical) {
      // H(q) = ln(classes) - KL(q || uniform); one row of equal logits stands for all.
      InRows<float> const uniform(uniform_.data(), rows, statistics.cols, 0);
      Out<float> const row = row_.out().slice(0, elements(rows, 1));
      latent_kl(e, {shape_.groups, shape_.classes, shape_.unimix}, statistics, uniform, row);
      loom::sum(e, In<float>(row), total, workspace_.out());
    } else {
      int const n = shape_.gaussian;
      InRows<float> const scale(statistics.data + n, rows, n, statistics.stride);
      deviation(e, shape_.least_deviation, scale, {log_std_.data(), rows, n});
      loom::sum(e, log_std_.in().slice(0, elements(rows, n)), total, workspace_.out());
    }
  });
}

double LatentEntropy::mean(LatentsShape const& shape, double total, double rows) {
  if (shape.kind == LatentsShape::Kind::categorical)
    return std::log(static_cast<double>(shape.classes)) - total / (rows * shape.groups);
  return 0.5 * std::log(2 * M_PI * M_E) + total / (rows * shape.gaussian);
}

}  // namespace loom
