#include <algorithm>
#include <kernels/nn/mlp.hpp>
#include <utility>

namespace loom {

int MlpShape::offset(int layer) const {
  int n = 0;
  for (int l = 0; l < layer; ++l) n += (sizes[l] + 1) * sizes[l + 1];
  return n;
}

int MlpShape::parameters() const { return offset(depth()); }

void MlpShape::check(char const* who) const {
  require(depth() >= 1 && depth() <= DenseStack::kMaxDepth, who, ": ", depth(),
          " layers (needs 1 to ", DenseStack::kMaxDepth, ")");
  for (int n : sizes)
    require(n >= 1 && n <= dense_layout::kMaxWidth, who, ": a layer of ", n,
            " columns (needs 1 to ", dense_layout::kMaxWidth, ")");
}

PackedMlp::PackedMlp(Exec const& exec, MlpShape shape) : shape_(std::move(shape)) {
  shape_.check("mlp");
  bool const cpu = on_cpu(exec);
  std::size_t const bytes =
      dense_layout::place(cpu, shape_.sizes.data(), shape_.depth(), nullptr).bytes;
  memory_ = Buffer<std::byte>(exec, bytes);
  view_.stack = dense_layout::place(cpu, shape_.sizes.data(), shape_.depth(), memory_.data()).stack;
  view_.hidden = shape_.hidden;
  view_.output = shape_.output;
}

void PackedMlp::pack(Exec const& exec, In<float> parameters) {
  require(parameters.size == static_cast<std::size_t>(shape_.parameters()),
          "mlp: ", parameters.size, " parameters (needs ", shape_.parameters(), ")");
  visit(exec, [&](auto e) { mlp_pack(e, view_, parameters); });
}

}  // namespace loom
