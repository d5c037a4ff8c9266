#pragma once
// The parameters of a learner: one contiguous buffer with named views, and a gradient of the same shape.
#include <cstdint>
#include <kernels/core/buffer.hpp>
#include <kernels/nn/conv_encoder.hpp>
#include <kernels/nn/mlp.hpp>
#include <string>
#include <vector>

namespace loom {

class Checkpoint;

/// A named piece of a Parameters buffer: "actor.0.weight", (64, 4).
struct ParameterShape {
  std::string name;
  std::vector<std::size_t> shape;

  std::size_t size() const;
};

/// `name`.0.weight, `name`.0.bias, `name`.1.weight ... in the order in which MlpShape counts them.
std::vector<ParameterShape> mlp_parameters(std::string const& name, MlpShape const& net);

/// The same of an encoder; a convolution's weight is (filters, kernel, kernel, channels).
std::vector<ParameterShape> conv_encoder_parameters(std::string const& name,
                                                    ConvEncoderShape const& net);

/// Values and gradient of everything one optimiser moves. Optimiser, target copy, all-reduce and checkpoint
/// are one call each, because the memory is one piece.
class Parameters {
 public:
  /// Values are zero. Throws ConfigError when a name appears twice.
  Parameters(Exec const& exec, std::vector<ParameterShape> shapes);

  std::vector<ParameterShape> const& shapes() const { return shapes_; }
  std::size_t size() const { return values_.size(); }
  Out<float> values() { return values_.out(); }
  In<float> values() const { return values_.in(); }
  Out<float> gradient() { return gradient_.out(); }
  /// All pieces whose name is `name` or begins with "name."; they lie side by side.
  Out<float> values(std::string const& name) { return piece(values_.out(), name); }
  Out<float> gradient(std::string const& name) { return piece(gradient_.out(), name); }

  /// One tensor a piece.
  void save(Checkpoint& checkpoint, std::string const& prefix) const;
  void load(Checkpoint const& checkpoint, std::string const& prefix);

 private:
  Out<float> piece(Out<float> all, std::string const& name) const;

  std::vector<ParameterShape> shapes_;
  Buffer<float> values_, gradient_;
};

/// A matrix with orthonormal rows or columns, whichever are fewer, times gain; [rows][cols] row-major.
///
/// Source  Saxe, McClelland, Ganguli 2014; signs fixed by R's diagonal as torch.nn.init.orthogonal_ does.
std::vector<float> orthogonal(int rows, int cols, float gain, std::uint64_t seed,
                              std::uint32_t stream);

/// Orthogonal weights with hidden_gain, output_gain for the last layer; zero biases. As one flat vector.
std::vector<float> orthogonal_mlp(MlpShape const& net, float hidden_gain, float output_gain,
                                  std::uint64_t seed, std::uint32_t stream);

enum class Initial { orthogonal, fan_in };

/// Weights of an encoder, a filter a row; zero biases. As one flat vector.
///
/// orthogonal  each layer's matrix is orthogonal(...) times gain: sqrt(2) for relu
/// fan_in      uniform with deviation gain / sqrt(inputs of a filter or output): He et al. 2015
std::vector<float> initial_conv_encoder(ConvEncoderShape const& net, Initial initial, float gain,
                                        std::uint64_t seed, std::uint32_t stream);

}  // namespace loom
