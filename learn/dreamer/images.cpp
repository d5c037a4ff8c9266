#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/dense.hpp>
#include <learn/dreamer/images.hpp>

namespace loom {
namespace {

constexpr int kLayers = 4, kColours = 3;
constexpr float kEpsilon = 1e-4F;

std::vector<ParameterShape> layer_shapes(std::string const& name, ImageLayerShape const& s) {
  auto const size = [](int n) { return static_cast<std::size_t>(n); };
  std::vector<ParameterShape> all{
      {name + ".weight",
       {size(s.conv.filters), size(s.conv.kernel), size(s.conv.kernel), size(s.conv.channels)}},
      {name + ".bias", {size(s.channels())}}};
  if (s.norm) all.push_back({name + ".gain", {size(s.channels())}});
  return all;
}

std::vector<ParameterShape> all_shapes(std::string const& name,
                                       std::vector<ImageLayerShape> const& shapes, int first) {
  std::vector<ParameterShape> all;
  for (ImageLayerShape const& s : shapes) {
    auto const of = layer_shapes(name + "." + std::to_string(first++), s);
    all.insert(all.end(), of.begin(), of.end());
  }
  return all;
}

/// Numbers that one output of the layer sums over; a transposed one's windows overlap.
float fan_in(ImageLayerShape const& s) {
  ConvShape const& c = s.conv;
  return static_cast<float>(s.transposed ? c.filters * c.kernel * c.kernel : c.patch()) /
         static_cast<float>(s.transposed ? c.stride * c.stride : 1);
}

void initialise(Exec const& exec, std::vector<ImageLayerShape> const& shapes, std::uint64_t seed,
                std::uint32_t stream, Parameters& parameters, std::string const& name, int first) {
  for (ImageLayerShape const& s : shapes) {
    auto const index = static_cast<std::uint32_t>(first);
    std::vector<float> values = cut_normals(static_cast<std::size_t>(s.conv.weights()), fan_in(s),
                                            1.F, seed, stream + index);
    auto const channels = static_cast<std::size_t>(s.channels());
    values.insert(values.end(), channels, 0.F);
    if (s.norm) values.insert(values.end(), channels, 1.F);
    upload<float>(exec, values, parameters.values(name + "." + std::to_string(first++)));
  }
}

}  // namespace

// ---- shapes ----

void ImageShape::check() const {
  bool const same = padding == Padding::same;
  require<ConfigError>(same ? size >= 16 && size % 16 == 0 : size == 64, "dreamer: ", size,
                       " pixels a side (needs ",
                       same ? "a multiple of 16)" : "64 where images are valid)");
}

std::vector<ImageLayerShape> ImageShape::encoder() const {
  bool const same = padding == Padding::same;
  static constexpr int kSame[] = {2, 3, 4, 4}, kValid[] = {1, 2, 4, 8};
  std::vector<ImageLayerShape> all;
  ConvShape c{size, size, kColours, 0, kernel, 2, same ? (kernel - 1) / 2 : 0};
  for (int l = 0; l < kLayers; ++l) {
    if (l > 0) c.height = c.out_height(), c.width = c.height, c.channels = c.filters;
    c.filters = depth * (same ? kSame : kValid)[l];
    all.push_back({c, false, norm, activation});
  }
  return all;
}

LayerShape ImageShape::dense() const {
  if (padding == Padding::valid) return {{feature}, 32 * depth};
  LayerShape s{{feature}, encoder().back().outputs()};
  if (norm) s.norm = Norm::rms;
  s.activation = activation;
  return s;
}

std::vector<ImageLayerShape> ImageShape::decoder() const {
  std::vector<ImageLayerShape> all;
  if (padding == Padding::same) {
    // The encoder's way back.
    all = encoder();
    std::reverse(all.begin(), all.end());
    for (ImageLayerShape& s : all) s.transposed = true;
  } else {
    static constexpr int kSides[] = {5, 13, 30, 64}, kKernels[] = {5, 5, 6, 6},
                         kFilters[] = {32, 4, 2, 1};
    for (int l = 0; l < kLayers; ++l) {
      int const side = kSides[l], channels = l + 1 < kLayers ? depth * kFilters[l + 1] : kColours;
      all.push_back(
          {{side, side, channels, depth * kFilters[l], kKernels[l], 2, 0}, true, norm, activation});
    }
  }
  all.back().norm = false;
  all.back().activation = Activation::identity;
  return all;
}

std::vector<ParameterShape> image_encoder_parameters(std::string const& name,
                                                     ImageShape const& shape) {
  return all_shapes(name, shape.encoder(), 0);
}

std::vector<ParameterShape> image_decoder_parameters(std::string const& name,
                                                     ImageShape const& shape) {
  std::vector<ParameterShape> all = layer_parameters(name + ".0", shape.dense());
  auto const rest = all_shapes(name, shape.decoder(), 1);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

void initialise_image_encoder(Exec const& exec, ImageShape const& shape, std::uint64_t seed,
                              std::uint32_t stream, Parameters& parameters,
                              std::string const& name) {
  initialise(exec, shape.encoder(), seed, stream, parameters, name, 0);
}

void initialise_image_decoder(Exec const& exec, ImageShape const& shape, std::uint64_t seed,
                              std::uint32_t stream, Parameters& parameters,
                              std::string const& name) {
  upload<float>(exec, initial_layer(shape.dense(), 1.F, seed, stream),
                parameters.values(name + ".0"));
  initialise(exec, shape.decoder(), seed, stream, parameters, name, 1);
}

// ---- layers at work ----

ImageStack::ImageStack(Exec const& exec, std::vector<ImageLayerShape> const& shapes, int rows,
                       Parameters& p, std::string const& name, int first, bool trains) {
  std::size_t bytes = 0;
  layers_.reserve(shapes.size());
  for (ImageLayerShape const& s : shapes) {
    std::string const at = name + "." + std::to_string(first++) + ".";
    Part part{s,
              rows,
              p.values(at + "weight"),
              p.values(at + "bias"),
              {},
              p.gradient(at + "weight"),
              p.gradient(at + "bias"),
              {},
              {},
              {},
              {},
              {},
              {}};
    std::size_t const n = elements(rows, s.outputs());
    int const pixels = rows * (s.outputs() / s.channels());
    if (s.norm) {
      part.gain = p.values(at + "gain"), part.dgain = p.gradient(at + "gain");
      part.statistics = Buffer<float>(exec, 2 * static_cast<std::size_t>(pixels));
      if (trains) part.sums = Buffer<float>(exec, n);
      if (trains) bytes = std::max(bytes, norm_workspace(pixels, s.channels()));
    }
    if (trains && keeps_input(s.activation)) part.inner = Buffer<float>(exec, n);
    // Nobody asks for the slope of the last output but the caller, who has it.
    if (trains && layers_.size() + 1 < shapes.size()) part.slope = Buffer<float>(exec, n);
    part.output = Buffer<float>(exec, n);
    bytes = std::max(bytes, visit(exec, [&](auto e) { return conv_workspace(e, s.conv, rows); }));
    layers_.push_back(std::move(part));
  }
  workspace_ = Buffer<std::uint8_t>(exec, bytes);
}

OutRows<float> ImageStack::Part::pixels(OutRows<float> x) const {
  int const channels = shape.channels();
  return {x.data, rows * (shape.outputs() / channels), channels};
}

InRows<float> ImageStack::forward(Exec const& exec, ConvInput const& x) {
  for (std::size_t l = 0; l < layers_.size(); ++l)
    forward(exec, layers_[l], l == 0 ? x : ConvInput(layers_[l - 1].y()));
  return output();
}

void ImageStack::forward(Exec const& exec, Part& part, ConvInput const& x) {
  ImageLayerShape const& s = part.shape;
  OutRows<float> const y = part.y(), inner = part.inner.size() != 0 ? part.matrix(part.inner) : y,
                       sums = part.sums.size() != 0 ? part.matrix(part.sums) : inner;
  // Without a norm the convolution does it all.
  ConvOptions const options{.activation = s.norm ? Activation::identity : s.activation,
                            .workspace = workspace_.out()};
  OutRows<float> const to = s.norm ? sums : y,
                       kept = !s.norm && part.inner.size() != 0 ? inner : OutRows<float>{};
  visit(exec, [&](auto e) {
    if (s.transposed)
      conv_transposed(e, s.conv, x.floats, part.weight, part.bias, to, kept, options);
    else
      conv(e, s.conv, x, part.weight, part.bias, to, kept, options);
    if (!s.norm) return;
    norm(e, Norm::rms, kEpsilon, part.pixels(sums), part.gain, {}, part.pixels(inner),
         part.statistics.out());
    apply_activation(e, s.activation, inner, y);
  });
}

void ImageStack::backward(Exec const& exec, ConvInput const& x, OutRows<float> dy,
                          OutRows<float> dx) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    OutRows<float> const to = l == 0 ? dx : layers_[l - 1].matrix(layers_[l - 1].slope);
    backward(exec, layers_[l], l == 0 ? x : ConvInput(layers_[l - 1].y()), dy, to);
    dy = to;
  }
}

void ImageStack::backward(Exec const& exec, Part& part, ConvInput const& x, OutRows<float> dy,
                          OutRows<float> dx) {
  ImageLayerShape const& s = part.shape;
  InRows<float> const kept = part.inner.size() != 0 ? part.matrix(part.inner) : part.y();
  ConvOptions const options{.activation = s.norm ? Activation::identity : s.activation,
                            .workspace = workspace_.out()};
  ConvGradients const gradients{.dx = dx, .dweight = part.dweight, .dbias = part.dbias};
  visit(exec, [&](auto e) {
    if (s.norm) {
      apply_activation_gradient(e, s.activation, kept, dy, dy);
      norm_backward(e, Norm::rms, part.pixels(part.matrix(part.sums)), part.gain,
                    part.statistics.in(), part.pixels(dy), part.pixels(dy), part.dgain, {},
                    workspace_.out());
    }
    if (s.transposed)
      conv_transposed_backward(e, s.conv, x.floats, part.weight, kept, dy, dy, gradients, options);
    else
      conv_backward(e, s.conv, x, part.weight, kept, dy, dy, gradients, options);
  });
}

ImageDecoder::ImageDecoder(Exec const& exec, ImageShape const& shape, int rows,
                           Parameters& parameters, std::string const& name, bool trains)
    : rows_(rows),
      dense_(exec, shape.dense(), rows, 1, parameters, name + ".0", trains),
      stack_(exec, shape.decoder(), rows, parameters, name, 1, trains),
      seed_(exec, elements(rows, shape.dense().outputs)),
      dseed_(exec, trains ? seed_.size() : 0) {}

InRows<float> ImageDecoder::forward(Exec const& exec, InRows<float> feature) {
  OutRows<float> const seed(seed_.data(), rows_, dense_.shape().outputs);
  dense_.forward(exec, 0, {feature}, seed);
  return stack_.forward(exec, seed);
}

void ImageDecoder::backward(Exec const& exec, InRows<float> feature, OutRows<float> dy,
                            OutRows<float> dfeature) {
  OutRows<float> const seed(seed_.data(), rows_, dense_.shape().outputs),
      dseed(dseed_.data(), rows_, dense_.shape().outputs);
  stack_.backward(exec, seed, dy, dseed);
  dense_.backward(exec, 0, seed, dseed, {{dfeature, Result::add}});
  dense_.weight_gradient(exec, {feature});
}

}  // namespace loom
