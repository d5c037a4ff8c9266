#pragma once
// The networks of a variational autoencoder at work: rows in, rows out, nothing kept, nothing learned.
#include <kernels/nn/gaussian_latent.hpp>
#include <learn/vae/shape.hpp>

namespace loom {

/// Reads whatever stands in the parameters when it is called. All memory is taken by the constructor, every
/// call can be captured in a graph, and takes any number of rows: they pass in parts.
///
/// Shapes   x: (B, data), c: (B, condition), or B rows without columns; z: (n B, latent): n rows of every
///          row of c, one after the other, and so where decoded rows are said to be (n B, data). Any
///          strides, but of images no gaps.
/// Errors   ShapeError if the sizes do not fit.
/// Bits     the same from run to run and, on a Cpu, for any number of threads.
class VaeNetworks {
 public:
  /// The parameters must outlive it. most_rows: rows that pass at once, and n at most; 0: as many as suit the
  /// machine and the widest layer.
  VaeNetworks(Exec const& exec, VaeShape shape, Parameters& parameters, int most_rows = 0);

  /// The posterior of z: mean and log-deviation as it is drawn with, (B, latent) each.
  void encode(Exec const& exec, InRows<float> x, InRows<float> c, OutRows<float> mean,
              OutRows<float> log_std);
  /// The decoder's mean, of a Bernoulli decoder the probabilities: to (n B, data). c's part of the first
  /// layer is computed once for its n rows.
  void decode(Exec const& exec, InRows<float> z, InRows<float> c, OutRows<float> to);
  /// decode() of z drawn from the prior, clipped as the shape says; to: (n B, data), as many draws.
  void sample(Exec const& exec, InRows<float> c, RowDraws const& draws, OutRows<float> to);
  /// Lower bounds of log p(x | c), in nats, from n = draws / B samples of every row, with all constants:
  /// elbo, the mean of n log-weights, and `importance_weighted`, the logarithm of their mean: (B) each.
  void bounds(Exec const& exec, InRows<float> x, InRows<float> c, RowDraws const& draws,
              Out<float> elbo, Out<float> importance_weighted);

  VaeShape const& shape() const { return shape_; }
  int most_rows() const { return most_rows_; }

 private:
  /// A stack's result; `shared` rows have first.rows / shared.rows rows of `first` each.
  void layers(Exec const& exec, std::vector<LayerShape> const& layers, std::string const& name,
              InRows<float> first, InRows<float> shared, OutRows<float> to);
  /// At most most_rows rows: the decoder's numbers before a Bernoulli's sigmoid.
  void decode_part(Exec const& exec, InRows<float> z, InRows<float> c, OutRows<float> to);
  /// At most most_rows rows.
  void encode_part(Exec const& exec, InRows<float> x, InRows<float> c, OutRows<float> mean,
                   OutRows<float> log_std);
  /// f(first row, rows) for parts of whose rows n come from one.
  template <class F>
  void each_part(int rows, int n, F const& f) const;
  InRows<float> part_of_condition(InRows<float> c, int begin, int rows) const;
  OutRows<float> matrix(Buffer<float>& b, int rows, int cols) const {
    return {b.data(), rows, cols};
  }

  Exec exec_;
  VaeShape shape_;
  Parameters& parameters_;
  int most_rows_ = 0;
  Buffer<float> between_[2], shared_, features_, head_, z_, decoded_;
  Buffer<float> mean_, log_std_, squares_, loss_, ratio_, log_variance_;
  Buffer<std::uint8_t> workspace_;
};

/// The view of ln of the decoder's variance: the parameter, or `fixed`.
In<float> log_variance_of(VaeShape const& shape, Parameters& parameters, In<float> fixed);

}  // namespace loom
