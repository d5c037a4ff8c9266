#include <kernels/nn/gru.hpp>
#include <learn/dreamer/recurrence.hpp>

namespace loom {
namespace {

constexpr float kUpdateBias = -1.F;

LayerShape input_layer(RssmShape const& s, int inputs) {
  return {{inputs}, s.units, Norm::rms, Activation::silu};
}

LayerShape core_layer(RssmShape const& s) {
  LayerShape layer{{s.deter, 3 * s.units}, s.deter, Norm::rms, Activation::silu};
  layer.blocks = s.blocks;
  return layer;
}

LayerShape gate_layer(RssmShape const& s) {
  LayerShape layer{{s.deter}, 3 * s.deter};
  layer.blocks = s.blocks;
  return layer;
}

/// f(name, shape) for every layer, in the order of the parameters.
template <class F>
void each_layer(std::string const& name, RssmShape const& s, F const& f) {
  f(name + ".from_h", input_layer(s, s.deter));
  f(name + ".from_z", input_layer(s, s.stochastic()));
  f(name + ".from_a", input_layer(s, s.actions));
  f(name + ".core", core_layer(s));
  f(name + ".gates", gate_layer(s));
}

}  // namespace

void RssmShape::check() const {
  require<ConfigError>(deter > 0 && units > 0 && blocks > 0 && deter % blocks == 0,
                       "dreamer: deter ", deter, " in ", blocks, " blocks (needs a multiple)");
  require<ConfigError>(groups > 0 && classes > 1, "dreamer: ", groups, " groups of ", classes,
                       " classes (needs at least 1 of 2)");
}

Stack::Shape RssmShape::prior() const {
  return {{deter}, prior_layers, units, stochastic(), Norm::rms, Activation::silu};
}

Stack::Shape RssmShape::posterior() const {
  return {{deter, tokens}, posterior_layers, units, stochastic(), Norm::rms, Activation::silu};
}

std::vector<ParameterShape> recurrence_parameters(std::string const& name, RssmShape const& shape) {
  std::vector<ParameterShape> all;
  each_layer(name, shape, [&](std::string const& layer, LayerShape const& s) {
    auto const of = layer_parameters(layer, s);
    all.insert(all.end(), of.begin(), of.end());
  });
  return all;
}

void initialise_recurrence(Exec const& exec, RssmShape const& shape, std::uint64_t seed,
                           std::uint32_t stream, Parameters& parameters, std::string const& name) {
  each_layer(name, shape, [&](std::string const& layer, LayerShape const& s) {
    upload<float>(exec, initial_layer(s, 1.F, seed, stream++), parameters.values(layer));
  });
}

Recurrence::Recurrence(Exec const& exec, RssmShape const& shape, int rows, int steps, Parameters& p,
                       std::string const& name, bool trains)
    : shape_(shape),
      rows_(rows),
      steps_(trains ? steps : 1),
      trains_(trains),
      from_h_(exec, input_layer(shape, shape.deter), rows, steps, p, name + ".from_h", trains),
      from_z_(exec, input_layer(shape, shape.stochastic()), rows, steps, p, name + ".from_z",
              trains),
      from_a_(exec, input_layer(shape, shape.actions), rows, steps, p, name + ".from_a", trains),
      core_(exec, core_layer(shape), rows, steps, p, name + ".core", trains),
      gates_(exec, gate_layer(shape), rows, steps, p, name + ".gates", trains) {
  auto const all = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(steps_);
  auto const n = static_cast<std::size_t>(rows_);
  auto const d = static_cast<std::size_t>(shape_.deter), u = static_cast<std::size_t>(shape_.units);
  inputs_ = Buffer<float>(exec, all * 3 * u);
  inner_ = Buffer<float>(exec, all * d);
  sums_ = Buffer<float>(exec, all * 3 * d);
  if (!trains_) return;
  dinputs_ = Buffer<float>(exec, n * 3 * u);
  dinner_ = Buffer<float>(exec, n * d);
  dsums_ = Buffer<float>(exec, n * 3 * d);
}

OutRows<float> Recurrence::at(Buffer<float>& b, int step, int cols) const {
  std::ptrdiff_t const row = static_cast<std::ptrdiff_t>(trains_ ? step : 0) * rows_;
  return {b.data() + row * cols, rows_, cols};
}

OutRows<float> Recurrence::third(OutRows<float> x, int k) const {
  return {x.data + k * shape_.units, x.rows, shape_.units, x.stride};
}

void Recurrence::forward(Exec const& exec, int step, InRows<float> h, InRows<float> z,
                         InRows<float> a, OutRows<float> next) {
  int const d = shape_.deter;
  OutRows<float> const inputs = at(inputs_, step, 3 * shape_.units), inner = at(inner_, step, d),
                       sums = at(sums_, step, 3 * d);
  from_h_.forward(exec, step, {h}, third(inputs, 0));
  from_z_.forward(exec, step, {z}, third(inputs, 1));
  from_a_.forward(exec, step, {a}, third(inputs, 2));
  core_.forward(exec, step, {h, inputs}, inner);
  gates_.forward(exec, step, {inner}, sums);
  visit(exec, [&](auto e) { gru(e, {shape_.blocks, kUpdateBias}, sums, h, next); });
}

void Recurrence::backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext,
                          OutRows<float> dh, OutRows<float> dz) {
  int const d = shape_.deter;
  OutRows<float> const inputs = at(inputs_, step, 3 * shape_.units), inner = at(inner_, step, d),
                       sums = at(sums_, step, 3 * d);
  OutRows<float> const dinputs(dinputs_.data(), rows_, 3 * shape_.units),
      dinner(dinner_.data(), rows_, d), dsums(dsums_.data(), rows_, 3 * d);
  visit(exec, [&](auto e) {
    gru_backward(e, {shape_.blocks, kUpdateBias}, sums, h, dnext, dsums, dh);
  });
  gates_.backward(exec, step, sums, dsums, {{dinner}});
  core_.backward(exec, step, inner, dinner, {{dh, Result::add}, {dinputs}});
  from_h_.backward(exec, step, third(inputs, 0), third(dinputs, 0), {{dh, Result::add}});
  from_z_.backward(exec, step, third(inputs, 1), third(dinputs, 1), {{dz}});
  from_a_.backward(exec, step, third(inputs, 2), third(dinputs, 2));
}

void Recurrence::weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z,
                                 InRows<float> a) {
  int const all = rows_ * steps_;
  from_h_.weight_gradient(exec, {h});
  from_z_.weight_gradient(exec, {z});
  from_a_.weight_gradient(exec, {a});
  core_.weight_gradient(exec, {h, {inputs_.data(), all, 3 * shape_.units}});
  gates_.weight_gradient(exec, {{inner_.data(), all, shape_.deter}});
}

}  // namespace loom
