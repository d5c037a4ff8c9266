#include <cmath>
#include <kernels/core/random.hpp>
#include <kernels/core/thread_pool.hpp>
#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/dense.hpp>
#include <learn/core/layer.hpp>
#include <numeric>

namespace loom {
namespace {

/// Deviation of a standard normal number cut at two deviations.
constexpr float kCutDeviation = 0.87962566F;

/// Rows that go through all layers of a stack on a CPU, whose cache then keeps what lies between two layers.
constexpr int kTileRows = 256;

}  // namespace

int LayerShape::width() const {
  return inputs.front() / blocks + std::accumulate(inputs.begin() + 1, inputs.end(), 0);
}

void LayerShape::check(std::string const& name) const {
  bool positive = outputs > 0 && blocks > 0 && !inputs.empty();
  for (int const n : inputs) positive = positive && n > 0;
  require<ConfigError>(positive, name, ": a layer without inputs, outputs or blocks");
  require<ConfigError>(inputs.front() % blocks == 0 && outputs % blocks == 0, name, ": ",
                       inputs.front(), " inputs and ", outputs, " outputs in ", blocks,
                       " blocks (needs multiples)");
}

std::vector<ParameterShape> layer_parameters(std::string const& name, LayerShape const& shape) {
  shape.check(name);
  auto const n = static_cast<std::size_t>(shape.outputs);
  std::vector<ParameterShape> all{{name + ".weight", {n, static_cast<std::size_t>(shape.width())}},
                                  {name + ".bias", {n}}};
  if (shape.norm) all.push_back({name + ".gain", {n}});
  if (shape.norm == Norm::layer) all.push_back({name + ".shift", {n}});
  return all;
}

std::vector<float> cut_normals(std::size_t count, float fan_in, float scale, std::uint64_t seed,
                               std::uint32_t stream) {
  float const deviation = scale / (std::sqrt(fan_in) * kCutDeviation);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    Random<float> random(seed, stream, static_cast<std::uint32_t>(i), Purpose::weights);
    float x = random.normal();
    while (std::abs(x) > 2.F) x = random.normal();
    values.push_back(scale == 0.F ? 0.F : deviation * x);
  }
  return values;
}

std::vector<float> initial_layer(LayerShape const& shape, float scale, std::uint64_t seed,
                                 std::uint32_t stream) {
  int const fan_in = std::accumulate(shape.inputs.begin(), shape.inputs.end(), 0);
  auto const outputs = static_cast<std::size_t>(shape.outputs);
  std::vector<float> values = cut_normals(elements(shape.outputs, shape.width()),
                                          static_cast<float>(fan_in), scale, seed, stream);
  values.insert(values.end(), outputs, 0.F);
  if (shape.norm) values.insert(values.end(), outputs, 1.F);
  if (shape.norm == Norm::layer) values.insert(values.end(), outputs, 0.F);
  return values;
}

Layer::Layer(Exec const& exec, LayerShape shape, int rows, int steps, Parameters& parameters,
             std::string const& name, bool trains)
    : exec_(exec),
      shape_(std::move(shape)),
      rows_(rows),
      steps_(trains ? steps : 1),
      trains_(trains),
      weight_(parameters.values(name + ".weight")),
      bias_(parameters.values(name + ".bias")),
      dweight_(parameters.gradient(name + ".weight")),
      dbias_(parameters.gradient(name + ".bias")) {
  shape_.check(name);
  std::size_t const all = elements(rows_ * steps_, shape_.outputs);
  auto const n = static_cast<std::size_t>(shape_.outputs);
  if (shape_.norm) {
    gain_ = parameters.values(name + ".gain");
    dgain_ = parameters.gradient(name + ".gain");
    sums_ = Buffer<float>(exec, all);
    statistics_ = Buffer<float>(exec, 2 * elements(rows_, steps_));
  }
  if (shape_.norm == Norm::layer) {
    shift_ = parameters.values(name + ".shift");
    dshift_ = parameters.gradient(name + ".shift");
  }
  if (!trains_) return;
  if (keeps_input(shape_.activation)) inner_ = Buffer<float>(exec, all);
  slope_ = Buffer<float>(exec, all);
  std::size_t bytes = column_reduce_workspace(rows_ * steps_, shape_.outputs);
  if (shape_.norm) {
    dgains_ = Buffer<float>(exec, n * static_cast<std::size_t>(steps_));
    bytes = std::max(bytes, norm_workspace(rows_, shape_.outputs));
  }
  if (shape_.norm == Norm::layer)
    dshifts_ = Buffer<float>(exec, n * static_cast<std::size_t>(steps_));
  bytes = std::max(bytes, visit(exec, [](auto e) { return gemm_workspace(e); }));
  workspace_ = Buffer<std::uint8_t>(exec, bytes);
}

OutRows<float> Layer::at(Buffer<float>& b, int step, int first, int rows) const {
  int const kept = trains_ ? step : 0;
  return {b.data() + elements(kept * rows_ + first, shape_.outputs), rows, shape_.outputs};
}

int Layer::first_column(int input) const {
  if (input == 0) return 0;
  return shape_.inputs.front() / shape_.blocks +
         std::accumulate(shape_.inputs.begin() + 1, shape_.inputs.begin() + input, 0);
}

/// Rows of one block (of all of them for the later inputs) against the columns of an input.
InRows<float> Layer::weight(int input, int block) const {
  int const width = shape_.width();
  bool const split = input == 0 && shape_.blocks > 1;
  int const rows = split ? shape_.outputs / shape_.blocks : shape_.outputs;
  int const cols = shape_.inputs[static_cast<std::size_t>(input)] / (split ? shape_.blocks : 1);
  return {weight_.data + elements(split ? block * rows : 0, width) + first_column(input), rows,
          cols, width};
}

void Layer::forward(Exec const& exec, int step, int first, Inputs const& x, OutRows<float> y) {
  OutRows<float> const inner = inner_.size() != 0 ? at(inner_, step, first, y.rows) : y;
  OutRows<float> const sums = shape_.norm ? at(sums_, step, first, y.rows) : inner;
  int const blocks = shape_.blocks;
  visit(exec, [&](auto e) {
    GemmOptions options{
        .b = Transpose::yes, .bias = In<float>(bias_), .workspace = workspace_.out()};
    // The inputs that all blocks see come first: one product starts the sums.
    for (int k = static_cast<int>(x.size()) - 1; k >= 0; --k) {
      auto const input = x[static_cast<std::size_t>(k)];
      if (k > 0 || blocks == 1) {
        gemm(e, input, weight(k, 0), sums, options);
      } else {
        In<float> const bias = options.bias;
        auto const n = static_cast<std::size_t>(shape_.outputs / blocks);
        for (int g = 0; g < blocks; ++g) {
          if (bias.size != 0) options.bias = bias.slice(static_cast<std::size_t>(g) * n, n);
          gemm(e, column_part(input, g, blocks), weight(0, g), column_part(sums, g, blocks),
               options);
        }
      }
      options.bias = {};
      options.result = Result::add;
    }
    if (shape_.norm) {
      int const before = (trains_ ? step : 0) * rows_ + first;
      norm(e, *shape_.norm, shape_.epsilon, sums, gain_, shift_, inner,
           statistics_.out().slice(2 * static_cast<std::size_t>(before),
                                   2 * static_cast<std::size_t>(y.rows)));
    }
    if (shape_.activation != Activation::identity || inner.data != y.data)
      apply_activation(e, shape_.activation, inner, y);
  });
}

void Layer::share(Exec const& exec, int input, InRows<float> x, OutRows<float> y) {
  require(input > 0 || shape_.blocks == 1, "layer: the share of an input that blocks divide");
  visit(exec, [&](auto e) {
    gemm(e, x, weight(input, 0), y, {.b = Transpose::yes, .workspace = workspace_.out()});
  });
}

KeptLayer Layer::keep(OutRows<float> y) {
  require(trains_, "layer: keep() of a layer that does not train");
  // Buffers that this kind of layer does without are empty.
  return {y.data, y.stride, sums_.data(), inner_.data(), statistics_.data()};
}

void Layer::backward(Exec const& exec, int step, InRows<float> y, InRows<float> dy,
                     Gradients const& dx) {
  require(trains_, "layer: backward() of a layer that does not train");
  OutRows<float> const slope = at(slope_, step);
  InRows<float> const kept = inner_.size() != 0 ? InRows<float>(at(inner_, step)) : y;
  auto const n = static_cast<std::size_t>(shape_.outputs), s = static_cast<std::size_t>(step);
  int const blocks = shape_.blocks;
  visit(exec, [&](auto e) {
    apply_activation_gradient(e, shape_.activation, kept, dy, slope);
    if (shape_.norm) {
      std::size_t const m = 2 * static_cast<std::size_t>(rows_);
      norm_backward(e, *shape_.norm, at(sums_, step), gain_, statistics_.in().slice(s * m, m),
                    slope, slope, dgains_.out().slice(s * n, n),
                    shape_.norm == Norm::layer ? dshifts_.out().slice(s * n, n) : Out<float>{},
                    workspace_.out());
    }
    for (int k = 0; k < static_cast<int>(dx.size()); ++k) {
      auto const [to, result] = dx[static_cast<std::size_t>(k)];
      if (to.data == nullptr) continue;
      GemmOptions const options{.result = result, .workspace = workspace_.out()};
      InRows<float> const last(slope.row(rows_ - to.rows), to.rows, slope.cols);
      int const parts = k == 0 ? blocks : 1;
      for (int g = 0; g < parts; ++g)
        gemm(e, column_part(last, g, parts), weight(k, g), column_part(to, g, parts), options);
    }
  });
}

void Layer::weight_gradient(Exec const& exec, Inputs const& x) {
  require(trains_, "layer: weight_gradient() of a layer that does not train");
  int const all = rows_ * steps_, width = shape_.width(), blocks = shape_.blocks;
  InRows<float> const slope(slope_.data(), all, shape_.outputs);
  visit(exec, [&](auto e) {
    GemmOptions const options{.a = Transpose::yes, .workspace = workspace_.out()};
    for (int k = 0; k < static_cast<int>(x.size()); ++k) {
      int const parts = k == 0 ? blocks : 1;
      auto const input = x[static_cast<std::size_t>(k)];
      require(input.rows == all, "layer: weight_gradient of ", input.rows, " rows (needs ", all,
              ")");
      for (int g = 0; g < parts; ++g) {
        auto const from = column_part(input, g, parts);
        int const rows = shape_.outputs / parts;
        OutRows<float> const to(dweight_.data + elements(g * rows, width) + first_column(k), rows,
                                from.cols, width);
        gemm(e, column_part(slope, g, parts), from, to, options);
      }
    }
    column_sum(e, slope, dbias_, workspace_.out());
    if (shape_.norm)
      column_sum(e, {dgains_.data(), steps_, shape_.outputs}, dgain_, workspace_.out());
    if (shape_.norm == Norm::layer)
      column_sum(e, {dshifts_.data(), steps_, shape_.outputs}, dshift_, workspace_.out());
  });
}

// ---- Stack ----

std::vector<LayerShape> Stack::Shape::all() const {
  std::vector<LayerShape> shapes;
  std::vector<int> from = inputs;
  for (int l = 0; l < layers; ++l) {
    shapes.push_back({from, units, norm, activation});
    from = {units};
  }
  if (outputs > 0) shapes.push_back({from, outputs});
  return shapes;
}

Stack::Stack(Exec const& exec, Shape const& shape, int rows, int steps, Parameters& parameters,
             std::string const& name, bool trains)
    : rows_(rows), steps_(trains ? steps : 1), trains_(trains) {
  auto const shapes = shape.all();
  require<ConfigError>(!shapes.empty(), name, ": a stack without layers");
  layers_.reserve(shapes.size());
  for (std::size_t l = 0; l < shapes.size(); ++l) {
    layers_.emplace_back(exec, shapes[l], rows, steps, parameters, name + "." + std::to_string(l),
                         trains);
    outputs_.emplace_back(exec, elements(rows_ * steps_, shapes[l].outputs));
    if (trains && l + 1 < shapes.size())
      slopes_.emplace_back(exec, elements(rows_, shapes[l].outputs));
  }
}

OutRows<float> Stack::at(std::size_t layer, int step) {
  int const cols = layers_[layer].shape().outputs;
  return {outputs_[layer].data() + elements((trains_ ? step : 0) * rows_, cols), rows_, cols};
}

InRows<float> Stack::forward(Exec const& exec, int step, Layer::Inputs const& x) {
  auto const* const cpu = std::get_if<Cpu>(&exec);
  int const tiles = rows_ / kTileRows;
  if (cpu == nullptr || tiles <= num_threads(*cpu)) {
    forward_rows(exec, step, 0, rows_, x);
  } else {
    parallel(*cpu, tiles, [&, alone = Cpu{.lanes = cpu->lanes}](int tile) {
      auto const edge = [&](int t) { return static_cast<int>(std::int64_t{rows_} * t / tiles); };
      forward_rows(alone, step, edge(tile), edge(tile + 1) - edge(tile), x);
    });
  }
  return output(step);
}

void Stack::forward_rows(Exec const& exec, int step, int first, int rows, Layer::Inputs const& x) {
  auto const part = [&](auto all) {
    return decltype(all)(all.row(first), rows, all.cols, all.stride);
  };
  Layer::Inputs from;
  for (InRows<float> const input : x) from.push_back(part(input));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    OutRows<float> const to = part(at(l, step));
    layers_[l].forward(exec, step, first, from, to);
    from = {to};
  }
}

void Stack::keep(std::vector<KeptLayer>& kept) {
  for (std::size_t l = 0; l < layers_.size(); ++l) kept.push_back(layers_[l].keep(all(l)));
}

void Stack::backward(Exec const& exec, int step, InRows<float> dy, Layer::Gradients const& dx) {
  InRows<float> from = dy;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    if (l == 0) {
      layers_[0].backward(exec, step, at(0, step), from, dx);
    } else {
      OutRows<float> const to(slopes_[l - 1].data(), rows_, layers_[l - 1].shape().outputs);
      layers_[l].backward(exec, step, at(l, step), from, {{to}});
      from = to;
    }
  }
}

void Stack::weight_gradient(Exec const& exec, Layer::Inputs const& x) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    if (l == 0)
      layers_[0].weight_gradient(exec, x);
    else
      layers_[l].weight_gradient(exec, {InRows<float>(outputs_[l - 1].data(), rows_ * steps_,
                                                      layers_[l - 1].shape().outputs)});
  }
}

std::vector<ParameterShape> stack_parameters(std::string const& name, Stack::Shape const& shape) {
  std::vector<ParameterShape> all;
  auto const layers = shape.all();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    auto const of = layer_parameters(name + "." + std::to_string(l), layers[l]);
    all.insert(all.end(), of.begin(), of.end());
  }
  return all;
}

void initialise_stack(Exec const& exec, Stack::Shape const& shape, std::uint64_t seed,
                      std::uint32_t stream, Parameters& parameters, std::string const& name) {
  auto const layers = shape.all();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    bool const last = shape.outputs > 0 && l + 1 == layers.size();
    upload<float>(exec,
                  initial_layer(layers[l], last ? shape.output_scale : 1.F, seed,
                                stream + static_cast<std::uint32_t>(l)),
                  parameters.values(name + "." + std::to_string(l)));
  }
}

}  // namespace loom
