#include <algorithm>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/dense.hpp>
#include <learn/dreamer/images.hpp>

namespace loom {
namespace {

using Resize = ImageLayerShape::Resize;

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
  bool const halved = kind != Kind::valid;
  require<ConfigError>(halved ? size >= 16 && size % 16 == 0 : size == 64, "dreamer: ", size,
                       " pixels a side (needs ",
                       halved ? "a multiple of 16)" : "64 where images are valid)");
  require<ConfigError>(kind != Kind::pooled || kernel % 2 == 1, "dreamer: kernel ", kernel,
                       " (needs an odd number where images are pooled)");
}

std::vector<ImageLayerShape> ImageShape::encoder() const {
  static constexpr int kHalved[] = {2, 3, 4, 4}, kValid[] = {1, 2, 4, 8};
  std::vector<ImageLayerShape> all;
  int side = size, channels = kColours;
  for (int l = 0; l < kLayers; ++l) {
    int const filters = depth * (kind == Kind::valid ? kValid : kHalved)[l];
    ConvShape const c{side,
                      side,
                      channels,
                      filters,
                      kernel,
                      kind == Kind::pooled ? 1 : 2,
                      kind == Kind::valid ? 0 : (kernel - 1) / 2};
    all.push_back(
        {c, false, norm, activation, kind == Kind::pooled ? Resize::halve : Resize::none});
    side = kind == Kind::valid ? c.out_height() : side / 2;
    channels = filters;
  }
  return all;
}

LayerShape ImageShape::dense() const {
  if (kind == Kind::valid) return {{feature}, 32 * depth};
  LayerShape s{{feature}, encoder().back().outputs()};
  if (norm) s.norm = Norm::rms;
  s.activation = activation;
  return s;
}

std::vector<ImageLayerShape> ImageShape::decoder() const {
  std::vector<ImageLayerShape> all;
  if (kind == Kind::valid) {
    static constexpr int kSides[] = {5, 13, 30, 64}, kKernels[] = {5, 5, 6, 6},
                         kFilters[] = {32, 4, 2, 1};
    for (int l = 0; l < kLayers; ++l) {
      int const side = kSides[l], channels = l + 1 < kLayers ? depth * kFilters[l + 1] : kColours;
      all.push_back(
          {{side, side, channels, depth * kFilters[l], kKernels[l], 2, 0}, true, norm, activation});
    }
  } else {
    // The encoder's way back.
    all = encoder();
    std::reverse(all.begin(), all.end());
    for (ImageLayerShape& s : all) {
      s.transposed = kind == Kind::strided;
      if (kind == Kind::pooled) {
        s.resize = Resize::twice;
        std::swap(s.conv.channels, s.conv.filters);
      }
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
    Part part(s, rows);
    part.weight = p.values(at + "weight"), part.dweight = p.gradient(at + "weight");
    part.bias = p.values(at + "bias"), part.dbias = p.gradient(at + "bias");
    std::size_t const n = elements(rows, s.outputs());
    int const pixels = rows * (s.outputs() / s.channels());
    if (s.norm) {
      part.gain = p.values(at + "gain"), part.dgain = p.gradient(at + "gain");
      part.statistics = Buffer<float>(exec, 2 * static_cast<std::size_t>(pixels));
      if (trains) part.sums = Buffer<float>(exec, n);
      if (trains) bytes = std::max(bytes, norm_workspace(pixels, s.channels()));
    }
    if (s.resize != Resize::none) {
      part.wide = Buffer<float>(exec, elements(rows, s.pool().larger()));
      if (trains) part.dwide = Buffer<float>(exec, part.wide.size());
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
  bool const plain = part.plain(), halve = s.resize == Resize::halve,
             twice = s.resize == Resize::twice;
  OutRows<float> const y = part.y(), inner = part.inner.size() != 0 ? part.matrix(part.inner) : y,
                       sums = part.sums.size() != 0 ? part.matrix(part.sums) : inner,
                       wide = part.matrix_wide(part.wide);
  ConvOptions const options{.activation = plain ? s.activation : Activation::identity,
                            .workspace = workspace_.out()};
  OutRows<float> const to = plain   ? y
                            : halve ? wide
                                    : sums,
                       kept = plain && part.inner.size() != 0 ? inner : OutRows<float>{};
  visit(exec, [&](auto e) {
    if (twice) double_pixels(e, s.pool(), x.floats, wide);
    if (s.transposed)
      conv_transposed(e, s.conv, x.floats, part.weight, part.bias, to, kept, options);
    else
      conv(e, s.conv, twice ? ConvInput(wide) : x, part.weight, part.bias, to, kept, options);
    if (halve) max_pool(e, s.pool(), wide, sums);
    if (s.norm)
      norm(e, Norm::rms, kEpsilon, part.pixels(sums), part.gain, {}, part.pixels(inner),
           part.statistics.out());
    if (!plain) apply_activation(e, s.activation, inner, y);
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
  bool const plain = part.plain(), halve = s.resize == Resize::halve,
             twice = s.resize == Resize::twice;
  InRows<float> const kept = part.inner.size() != 0 ? part.matrix(part.inner) : part.y();
  OutRows<float> const wide = part.matrix_wide(part.wide), dwide = part.matrix_wide(part.dwide);
  ConvOptions const options{.activation = plain ? s.activation : Activation::identity,
                            .workspace = workspace_.out()};
  ConvGradients const gradients{
      .dx = twice ? dwide : dx, .dweight = part.dweight, .dbias = part.dbias};
  visit(exec, [&](auto e) {
    if (!plain) apply_activation_gradient(e, s.activation, kept, dy, dy);
    if (s.norm)
      norm_backward(e, Norm::rms, part.pixels(part.matrix(part.sums)), part.gain,
                    part.statistics.in(), part.pixels(dy), part.pixels(dy), part.dgain, {},
                    workspace_.out());
    if (halve) max_pool_backward(e, s.pool(), wide, dy, dwide);
    if (s.transposed) {
      conv_transposed_backward(e, s.conv, x.floats, part.weight, kept, dy, dy, gradients, options);
    } else {
      OutRows<float> const slope = halve ? dwide : dy;
      conv_backward(e, s.conv, twice ? ConvInput(wide) : x, part.weight,
                    halve ? InRows<float>(wide) : kept, slope, slope, gradients, options);
    }
    if (twice) double_pixels_backward(e, s.pool(), dwide, dx);
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
