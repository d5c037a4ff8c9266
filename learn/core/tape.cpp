#include <kernels/linalg/add.hpp>
#include <learn/core/tape.hpp>

namespace loom {

GradientTape::Value GradientTape::add_value(int rows, int cols, bool differentiable) {
  require(rows > 0 && cols > 0, "tape: a matrix of ", rows, " x ", cols);
  values_.push_back(
      {rows,
       cols,
       differentiable,
       Buffer<float>(exec_, static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols)),
       {}});
  return {static_cast<int>(values_.size()) - 1};
}

void GradientTape::record(Node node) {
  for (Value const input : node.inputs) {
    Stored& s = values_[at(input)];
    node.slots.push_back(s.differentiable ? static_cast<int>(s.slots.size()) : -1);
    if (s.differentiable) s.slots.emplace_back(exec_, s.value.size());
  }
  nodes_.push_back(std::move(node));
}

GradientTape::Value GradientTape::input(int rows, int cols) { return add_value(rows, cols, false); }

GradientTape::Value GradientTape::node(int rows, int cols, std::vector<Value> inputs,
                                       Forward forward, Backward backward) {
  Value const result = add_value(rows, cols, true);
  record({std::move(forward), std::move(backward), std::move(inputs), {}, result});
  return result;
}

void GradientTape::loss(std::vector<Value> inputs, Backward backward) {
  record({nullptr, std::move(backward), std::move(inputs), {}, {}});
}

GradientTape::Value GradientTape::mlp(Value x, MlpTraining& net, In<float> parameters,
                                      Out<float> gradient) {
  int const rows = values_[at(x)].rows;
  Value const y{static_cast<int>(values_.size())};
  return node(
      rows, net.shape().outputs(), {x},
      [this, x, y, &net, parameters](Exec const& exec) {
        net.forward(exec, parameters, value(x), value(y));
      },
      [this, x, y, &net, parameters, gradient](Exec const& exec,
                                               std::vector<OutRows<float>> const& dx) {
        net.backward(exec, parameters, value(x), this->gradient(y), gradient, dx[0]);
      });
}

void GradientTape::forward(Exec const& exec) {
  for (Node const& n : nodes_)
    if (n.forward) n.forward(exec);
}

void GradientTape::backward(Exec const& exec) {
  require(!nodes_.empty() && nodes_.back().result.index < 0,
          "tape: backward() without a loss at the end");
  for (auto n = nodes_.rbegin(); n != nodes_.rend(); ++n) {
    if (n->result.index >= 0) {
      auto& slots = values_[at(n->result)].slots;
      if (slots.empty()) continue;  // nobody reads it: nothing flows back
      for (std::size_t s = 1; s < slots.size(); ++s)
        visit(exec, [&](auto e) { add(e, slots[0].in(), slots[s].in(), slots[0].out()); });
    }
    std::vector<OutRows<float>> gradients;
    for (std::size_t i = 0; i < n->inputs.size(); ++i) {
      Stored& s = values_[at(n->inputs[i])];
      gradients.push_back(
          n->slots[i] < 0 ? OutRows<float>{}
                          : matrix(s.slots[static_cast<std::size_t>(n->slots[i])], n->inputs[i]));
    }
    n->backward(exec, gradients);
  }
}

OutRows<float> GradientTape::gradient(Value v) {
  auto& slots = values_[at(v)].slots;
  require(!slots.empty(), "tape: value ", v.index, " has no gradient");
  return matrix(slots[0], v);
}

std::size_t GradientTape::bytes() const {
  std::size_t n = workspace_.size();
  for (Buffer<float> const& input : activation_inputs_) n += input.size() * sizeof(float);
  for (Stored const& s : values_) n += s.value.size() * (1 + s.slots.size()) * sizeof(float);
  return n;
}

}  // namespace loom
