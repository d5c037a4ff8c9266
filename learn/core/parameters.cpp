#include <Eigen/QR>
#include <cmath>
#include <kernels/core/random.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/parameters.hpp>
#include <numeric>

namespace loom {
namespace {

std::size_t total(std::vector<ParameterShape> const& shapes) {
  return std::accumulate(shapes.begin(), shapes.end(), std::size_t{0},
                         [](std::size_t n, ParameterShape const& s) { return n + s.size(); });
}

}  // namespace

std::size_t ParameterShape::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>{});
}

std::vector<ParameterShape> mlp_parameters(std::string const& name, MlpShape const& net) {
  std::vector<ParameterShape> shapes;
  for (int l = 0; l < net.depth(); ++l) {
    auto const in = static_cast<std::size_t>(net.sizes[static_cast<std::size_t>(l)]);
    auto const out = static_cast<std::size_t>(net.sizes[static_cast<std::size_t>(l) + 1]);
    std::string const layer = name + "." + std::to_string(l);
    shapes.push_back({layer + ".weight", {out, in}});
    shapes.push_back({layer + ".bias", {out}});
  }
  return shapes;
}

std::vector<ParameterShape> conv_encoder_parameters(std::string const& name,
                                                    ConvEncoderShape const& net) {
  std::vector<ParameterShape> shapes;
  for (int l = 0; l < net.depth(); ++l) {
    std::string const layer = name + "." + std::to_string(l);
    auto const out = static_cast<std::size_t>(net.layer_biases(l)),
               in = static_cast<std::size_t>(net.layer_weights(l)) / out;
    if (l < static_cast<int>(net.layers.size())) {
      ConvShape const s = net.conv(l);
      auto const kernel = static_cast<std::size_t>(s.kernel);
      shapes.push_back(
          {layer + ".weight", {out, kernel, kernel, static_cast<std::size_t>(s.channels)}});
    } else {
      shapes.push_back({layer + ".weight", {out, in}});
    }
    shapes.push_back({layer + ".bias", {out}});
  }
  return shapes;
}

Parameters::Parameters(Exec const& exec, std::vector<ParameterShape> shapes)
    : shapes_(std::move(shapes)),
      values_(zeros<float>(exec, total(shapes_))),
      gradient_(zeros<float>(exec, total(shapes_))) {
  for (std::size_t i = 0; i < shapes_.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      require<ConfigError>(shapes_[i].name != shapes_[j].name, "parameters: two are called ",
                           shapes_[i].name);
}

Out<float> Parameters::piece(Out<float> all, std::string const& name) const {
  std::size_t at = 0, begin = 0, size = 0;
  for (ParameterShape const& s : shapes_) {
    if (s.name == name || s.name.rfind(name + ".", 0) == 0) {
      if (size == 0) begin = at;
      size += s.size();
    }
    at += s.size();
  }
  require(size > 0, "parameters: there is no '", name, "'");
  return all.slice(begin, size);
}

void Parameters::save(Checkpoint& checkpoint, std::string const& prefix) const {
  std::size_t at = 0;
  for (ParameterShape const& s : shapes_) {
    checkpoint.put(prefix + s.name, values_.exec(), values_.in().slice(at, s.size()), s.shape);
    at += s.size();
  }
}

void Parameters::load(Checkpoint const& checkpoint, std::string const& prefix) {
  std::size_t at = 0;
  for (ParameterShape const& s : shapes_) {
    checkpoint.get(prefix + s.name, values_.exec(), values_.out().slice(at, s.size()), s.shape);
    at += s.size();
  }
}

std::vector<float> orthogonal(int rows, int cols, float gain, std::uint64_t seed,
                              std::uint32_t stream) {
  bool const tall = rows >= cols;
  int const n = std::max(rows, cols), k = std::min(rows, cols);
  Eigen::MatrixXd a(n, k);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < k; ++j)
      a(i, j) = static_cast<double>(
          Random<float>(seed, stream, static_cast<std::uint32_t>(i * k + j), Purpose::weights)
              .normal());
  Eigen::HouseholderQR<Eigen::MatrixXd> const qr(a);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(n, k);
  for (int j = 0; j < k; ++j)
    if (qr.matrixQR()(j, j) < 0) q.col(j) *= -1;
  std::vector<float> w;
  w.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) w.push_back(static_cast<float>(tall ? q(r, c) : q(c, r)) * gain);
  return w;
}

std::vector<float> orthogonal_mlp(MlpShape const& net, float hidden_gain, float output_gain,
                                  std::uint64_t seed, std::uint32_t stream) {
  std::vector<float> all;
  for (int l = 0; l < net.depth(); ++l) {
    int const in = net.sizes[static_cast<std::size_t>(l)],
              out = net.sizes[static_cast<std::size_t>(l) + 1];
    float const gain = l + 1 == net.depth() ? output_gain : hidden_gain;
    std::vector<float> const w =
        orthogonal(out, in, gain, seed, stream + static_cast<std::uint32_t>(l));
    all.insert(all.end(), w.begin(), w.end());
    all.insert(all.end(), static_cast<std::size_t>(out), 0.F);
  }
  return all;
}

std::vector<float> initial_conv_encoder(ConvEncoderShape const& net, Initial initial, float gain,
                                        std::uint64_t seed, std::uint32_t stream) {
  std::vector<float> all;
  for (int l = 0; l < net.depth(); ++l) {
    int const out = net.layer_biases(l), in = net.layer_weights(l) / out;
    std::uint32_t const own = stream + static_cast<std::uint32_t>(l);
    if (initial == Initial::orthogonal) {
      std::vector<float> const w = orthogonal(out, in, gain, seed, own);
      all.insert(all.end(), w.begin(), w.end());
    } else {
      float const bound = gain * std::sqrt(3.F / static_cast<float>(in));
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(in * out); ++i)
        all.push_back(Random<float>(seed, own, i, Purpose::weights).uniform(-bound, bound));
    }
    all.insert(all.end(), static_cast<std::size_t>(out), 0.F);
  }
  return all;
}

}  // namespace loom
