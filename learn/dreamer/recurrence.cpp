#include <kernels/nn/gru.hpp>
#include <learn/dreamer/recurrence.hpp>

namespace loom {
namespace {

LayerShape hidden(RssmShape const& s, std::vector<int> inputs) {
  return {std::move(inputs), s.units, s.norm, s.activation};
}

/// f(name, shape) for every layer, in the order of the parameters.
template <class F>
void each_layer(std::string const& name, RssmShape const& s, F const& f) {
  switch (s.core) {
    case RssmShape::Core::reset_after:
      f(name + ".inputs", hidden(s, {s.stochastic(), s.actions}));
      f(name + ".input_gates", LayerShape{{s.units}, 3 * s.deter});
      f(name + ".state_gates", LayerShape{{s.deter}, 3 * s.deter});
      break;
    case RssmShape::Core::layer_norm: {
      f(name + ".inputs", hidden(s, {s.stochastic(), s.actions}));
      LayerShape gates{{s.units, s.deter}, 3 * s.deter, Norm::layer};
      gates.epsilon = kGateNormEpsilon;
      f(name + ".gates", gates);
      break;
    }
    case RssmShape::Core::block: {
      f(name + ".from_h", hidden(s, {s.deter}));
      f(name + ".from_z", hidden(s, {s.stochastic()}));
      f(name + ".from_a", hidden(s, {s.actions}));
      LayerShape core{{s.deter, 3 * s.units}, s.deter, s.norm, s.activation};
      core.blocks = s.blocks;
      f(name + ".core", core);
      LayerShape gates{{s.deter}, 3 * s.deter};
      gates.blocks = s.blocks;
      f(name + ".gates", gates);
      break;
    }
  }
}

/// Layers by name, and matrices of all steps or of one.
class RecurrenceBase : public Recurrence {
 public:
  RecurrenceBase(Exec const& exec, RssmShape const& shape, int rows, int steps, Parameters& p,
                 std::string const& name, bool trains)
      : exec_(exec), shape_(shape), rows_(rows), steps_(trains ? steps : 1), trains_(trains) {
    each_layer(name, shape, [&](std::string const& layer, LayerShape const& s) {
      layers_.emplace_back(exec, s, rows, steps, p, layer, trains);
    });
  }

 protected:
  /// A matrix of every step, of those that are kept.
  Buffer<float> kept(int cols) const { return {exec_, elements(steps_) * width(cols)}; }
  /// A matrix of one step that the way back needs.
  Buffer<float> scratch(int cols) const { return {exec_, trains_ ? elements(1) * width(cols) : 0}; }
  OutRows<float> at(Buffer<float>& b, int step, int cols) const {
    std::ptrdiff_t const row = static_cast<std::ptrdiff_t>(trains_ ? step : 0) * rows_;
    return {b.data() + row * cols, rows_, cols};
  }
  OutRows<float> one(Buffer<float>& b, int cols) const { return {b.data(), rows_, cols}; }
  InRows<float> all(Buffer<float> const& b, int cols) const {
    return {b.data(), rows_ * steps_, cols};
  }
  OutRows<float> every(Buffer<float>& b, int cols) const {
    return {b.data(), rows_ * steps_, cols};
  }

  Exec exec_;
  RssmShape shape_;
  int rows_, steps_;
  bool trains_;
  std::vector<Layer> layers_;

 private:
  static std::size_t width(int cols) { return static_cast<std::size_t>(cols); }
  std::size_t elements(int steps) const {
    return static_cast<std::size_t>(rows_) * static_cast<std::size_t>(steps);
  }
};

/// Version 1's: gates from two layers, the reset gate after the product.
class ResetAfter final : public RecurrenceBase {
 public:
  template <class... A>
  explicit ResetAfter(A&&... a)
      : RecurrenceBase(std::forward<A>(a)...),
        inputs_(kept(shape_.units)),
        input_sums_(kept(3 * shape_.deter)),
        state_sums_(kept(3 * shape_.deter)),
        dinputs_(scratch(shape_.units)),
        dinput_sums_(scratch(3 * shape_.deter)),
        dstate_sums_(scratch(3 * shape_.deter)) {}

  void forward(Exec const& exec, int step, InRows<float> h, InRows<float> z, InRows<float> a,
               OutRows<float> next) override {
    int const d = shape_.deter;
    OutRows<float> const inputs = at(inputs_, step, shape_.units),
                         from_input = at(input_sums_, step, 3 * d),
                         from_state = at(state_sums_, step, 3 * d);
    layers_[0].forward(exec, step, {z, a}, inputs);
    layers_[1].forward(exec, step, {inputs}, from_input);
    layers_[2].forward(exec, step, {h}, from_state);
    visit(exec, [&](auto e) { gru_reset_after(e, from_input, from_state, h, next); });
  }

  void backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext,
                Gradients const& to) override {
    int const d = shape_.deter;
    OutRows<float> const inputs = at(inputs_, step, shape_.units),
                         from_input = at(input_sums_, step, 3 * d),
                         from_state = at(state_sums_, step, 3 * d),
                         dinputs = one(dinputs_, shape_.units), dinput = one(dinput_sums_, 3 * d),
                         dstate = one(dstate_sums_, 3 * d);
    visit(exec, [&](auto e) {
      gru_reset_after_backward(e, from_input, from_state, h, dnext, dinput, dstate, to.dh);
    });
    layers_[2].backward(exec, step, from_state, dstate, {{to.dh, Result::add}});
    layers_[1].backward(exec, step, from_input, dinput, {{dinputs}});
    layers_[0].backward(exec, step, inputs, dinputs, {{to.dz}, {to.da}});
  }

  void weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z,
                       InRows<float> a) override {
    layers_[0].weight_gradient(exec, {z, a});
    layers_[1].weight_gradient(exec, {all(inputs_, shape_.units)});
    layers_[2].weight_gradient(exec, {h});
  }

  void keep(std::vector<KeptLayer>& kept) override {
    int const d = shape_.deter;
    kept.insert(kept.end(), {layers_[0].keep(every(inputs_, shape_.units)),
                             layers_[1].keep(every(input_sums_, 3 * d)),
                             layers_[2].keep(every(state_sums_, 3 * d))});
  }

 private:
  Buffer<float> inputs_, input_sums_, state_sums_, dinputs_, dinput_sums_, dstate_sums_;
};

/// Version 2's: all gates under one layer norm.
class LayerNormGates final : public RecurrenceBase {
 public:
  template <class... A>
  explicit LayerNormGates(A&&... a)
      : RecurrenceBase(std::forward<A>(a)...),
        inputs_(kept(shape_.units)),
        sums_(kept(3 * shape_.deter)),
        dinputs_(scratch(shape_.units)),
        dsums_(scratch(3 * shape_.deter)) {}

  void forward(Exec const& exec, int step, InRows<float> h, InRows<float> z, InRows<float> a,
               OutRows<float> next) override {
    OutRows<float> const inputs = at(inputs_, step, shape_.units),
                         sums = at(sums_, step, 3 * shape_.deter);
    layers_[0].forward(exec, step, {z, a}, inputs);
    layers_[1].forward(exec, step, {inputs, h}, sums);
    visit(exec, [&](auto e) { gru(e, {1, kUpdateBias}, sums, h, next); });
  }

  void backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext,
                Gradients const& to) override {
    OutRows<float> const inputs = at(inputs_, step, shape_.units),
                         sums = at(sums_, step, 3 * shape_.deter),
                         dinputs = one(dinputs_, shape_.units),
                         dsums = one(dsums_, 3 * shape_.deter);
    visit(exec, [&](auto e) { gru_backward(e, {1, kUpdateBias}, sums, h, dnext, dsums, to.dh); });
    layers_[1].backward(exec, step, sums, dsums, {{dinputs}, {to.dh, Result::add}});
    layers_[0].backward(exec, step, inputs, dinputs, {{to.dz}, {to.da}});
  }

  void weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z,
                       InRows<float> a) override {
    layers_[0].weight_gradient(exec, {z, a});
    layers_[1].weight_gradient(exec, {all(inputs_, shape_.units), h});
  }

  void keep(std::vector<KeptLayer>& kept) override {
    kept.insert(kept.end(), {layers_[0].keep(every(inputs_, shape_.units)),
                             layers_[1].keep(every(sums_, 3 * shape_.deter))});
  }

 private:
  Buffer<float> inputs_, sums_, dinputs_, dsums_;
};

/// Version 3's: block-diagonal layers of h, each block with all of what the three input layers make.
class BlockGates final : public RecurrenceBase {
 public:
  template <class... A>
  explicit BlockGates(A&&... a)
      : RecurrenceBase(std::forward<A>(a)...),
        inputs_(kept(3 * shape_.units)),
        inner_(kept(shape_.deter)),
        sums_(kept(3 * shape_.deter)),
        dinputs_(scratch(3 * shape_.units)),
        dinner_(scratch(shape_.deter)),
        dsums_(scratch(3 * shape_.deter)) {}

  void forward(Exec const& exec, int step, InRows<float> h, InRows<float> z, InRows<float> a,
               OutRows<float> next) override {
    int const d = shape_.deter;
    OutRows<float> const inputs = at(inputs_, step, 3 * shape_.units), inner = at(inner_, step, d),
                         sums = at(sums_, step, 3 * d);
    layers_[0].forward(exec, step, {h}, third(inputs, 0));
    layers_[1].forward(exec, step, {z}, third(inputs, 1));
    layers_[2].forward(exec, step, {a}, third(inputs, 2));
    layers_[3].forward(exec, step, {h, inputs}, inner);
    layers_[4].forward(exec, step, {inner}, sums);
    visit(exec, [&](auto e) { gru(e, {shape_.blocks, kUpdateBias}, sums, h, next); });
  }

  void backward(Exec const& exec, int step, InRows<float> h, InRows<float> dnext,
                Gradients const& to) override {
    int const d = shape_.deter;
    OutRows<float> const inputs = at(inputs_, step, 3 * shape_.units), inner = at(inner_, step, d),
                         sums = at(sums_, step, 3 * d), dinputs = one(dinputs_, 3 * shape_.units),
                         dinner = one(dinner_, d), dsums = one(dsums_, 3 * d);
    visit(exec, [&](auto e) {
      gru_backward(e, {shape_.blocks, kUpdateBias}, sums, h, dnext, dsums, to.dh);
    });
    layers_[4].backward(exec, step, sums, dsums, {{dinner}});
    layers_[3].backward(exec, step, inner, dinner, {{to.dh, Result::add}, {dinputs}});
    layers_[0].backward(exec, step, third(inputs, 0), third(dinputs, 0), {{to.dh, Result::add}});
    layers_[1].backward(exec, step, third(inputs, 1), third(dinputs, 1), {{to.dz}});
    layers_[2].backward(exec, step, third(inputs, 2), third(dinputs, 2), {{to.da}});
  }

  void weight_gradient(Exec const& exec, InRows<float> h, InRows<float> z,
                       InRows<float> a) override {
    layers_[0].weight_gradient(exec, {h});
    layers_[1].weight_gradient(exec, {z});
    layers_[2].weight_gradient(exec, {a});
    layers_[3].weight_gradient(exec, {h, all(inputs_, 3 * shape_.units)});
    layers_[4].weight_gradient(exec, {all(inner_, shape_.deter)});
  }

  void keep(std::vector<KeptLayer>& kept) override {
    OutRows<float> const inputs = every(inputs_, 3 * shape_.units);
    for (int k = 0; k < 3; ++k)
      kept.push_back(layers_[static_cast<std::size_t>(k)].keep(third(inputs, k)));
    kept.insert(kept.end(), {layers_[3].keep(every(inner_, shape_.deter)),
                             layers_[4].keep(every(sums_, 3 * shape_.deter))});
  }

 private:
  OutRows<float> third(OutRows<float> x, int k) const {
    return {x.data + k * shape_.units, x.rows, shape_.units, x.stride};
  }

  Buffer<float> inputs_, inner_, sums_, dinputs_, dinner_, dsums_;
};

}  // namespace

void RssmShape::check() const {
  int const parts = core == Core::block ? blocks : 1;
  require<ConfigError>(deter > 0 && units > 0 && parts > 0 && deter % parts == 0, "dreamer: deter ",
                       deter, " in ", parts, " blocks (needs a multiple)");
  bool const categorical = latents.kind == LatentsShape::Kind::categorical;
  require<ConfigError>(!categorical || (latents.groups > 0 && latents.classes > 1),
                       "dreamer: ", latents.groups, " groups of ", latents.classes,
                       " classes (needs at least 1 of 2)");
  require<ConfigError>(categorical || latents.gaussian > 0, "dreamer: a Gaussian of ",
                       latents.gaussian, " numbers (needs at least 1)");
}

Stack::Shape RssmShape::stack(std::vector<int> inputs, int layers, int outputs,
                              float output_scale) const {
  return {std::move(inputs), layers, units, outputs, norm, activation, output_scale};
}

std::vector<JointSource> joint_sources(Parameters& parameters,
                                       std::vector<ParameterShape> const& shapes) {
  std::vector<JointSource> all;
  for (ParameterShape const& s : shapes) {
    float const* const data = parameters.values(s.name).data;
    if (s.name.ends_with(".weight"))
      all.push_back({.weight = data});
    else if (s.name.ends_with(".bias"))
      all.back().bias = data;
    else if (s.name.ends_with(".gain"))
      all.back().gain = data;
    else
      all.back().shift = data;
  }
  return all;
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

std::unique_ptr<Recurrence> make_recurrence(Exec const& exec, RssmShape const& shape, int rows,
                                            int steps, Parameters& parameters,
                                            std::string const& name, bool trains) {
  switch (shape.core) {
    case RssmShape::Core::reset_after:
      return std::make_unique<ResetAfter>(exec, shape, rows, steps, parameters, name, trains);
    case RssmShape::Core::layer_norm:
      return std::make_unique<LayerNormGates>(exec, shape, rows, steps, parameters, name, trains);
    default:
      return std::make_unique<BlockGates>(exec, shape, rows, steps, parameters, name, trains);
  }
}

}  // namespace loom
