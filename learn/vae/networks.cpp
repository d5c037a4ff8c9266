#include <algorithm>
#include <cmath>
#include <kernels/linalg/accumulate.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/nn/dense.hpp>
#include <kernels/nn/gaussian_likelihood.hpp>
#include <kernels/nn/likelihood.hpp>
#include <kernels/nn/log_mean_exp.hpp>
#include <kernels/nn/shared_rows.hpp>
#include <kernels/nn/squash.hpp>
#include <learn/vae/networks.hpp>

namespace loom {
namespace {

template <class Rows>
Rows rows_of(Rows x, int begin, int n) {
  return {x.row(begin), n, x.cols, x.stride};
}

RowDraws draws_of(RowDraws const& draws, int begin, int n) {
  auto const at = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(n);
  return {draws.seed, draws.stream.slice(at, count),
          draws.tick.size == 1 ? draws.tick : draws.tick.slice(at, count)};
}

int widest(VaeShape const& s) {
  int most = s.data;
  for (auto const& layers : {s.encoder_layers(), s.decoder_layers()})
    for (LayerShape const& l : layers) most = std::max(most, l.outputs);
  for (int l = 0; l < static_cast<int>(s.image.layers.size()); ++l)
    most = std::max(most, s.image.layer_outputs(l));
  return most;
}

/// Parts whose layers stay in a core's cache, or that fill a device.
int suitable_rows(Exec const& exec, int widest) {
  return on_cpu(exec) ? std::clamp((1 << 22) / widest, 256, 4096)
                      : std::clamp((1 << 24) / widest, 1024, 65536);
}

std::size_t workspace_of(Exec const& exec, VaeShape const& s, int rows) {
  std::size_t bytes = visit(exec, [&](auto e) { return dense_workspace(e, rows, widest(s)); });
  if (!s.has_image()) return bytes;
  bytes = std::max(bytes, conv_encoder_workspace(exec, s.image, rows));
  for (int l = 0; l < s.image.depth(); ++l)
    bytes = std::max(bytes,
                     visit(exec, [&](auto e) { return conv_workspace(e, s.image.conv(l), rows); }));
  return bytes;
}

}  // namespace

In<float> log_variance_of(VaeShape const& shape, Parameters& parameters, In<float> fixed) {
  return shape.learns_variance() ? In<float>(parameters.values("log_variance")) : fixed;
}

VaeNetworks::VaeNetworks(Exec const& exec, VaeShape shape, Parameters& parameters, int most_rows)
    : exec_(exec), shape_(std::move(shape)), parameters_(parameters) {
  shape_.check();
  require<ConfigError>(most_rows >= 0, "vae: ", most_rows, " rows at once (needs 0 or more)");
  int const wide = widest(shape_);
  if (most_rows == 0) most_rows = suitable_rows(exec, wide);
  most_rows_ = most_rows;
  auto const buffer = [&](int cols) { return Buffer<float>(exec, elements(most_rows, cols)); };
  for (Buffer<float>& b : between_) b = buffer(wide);
  shared_ =
      buffer(std::max(shape_.encoder_layers()[0].outputs, shape_.decoder_layers()[0].outputs));
  if (shape_.has_image()) features_ = buffer(shape_.features());
  head_ = buffer(2 * shape_.latent);
  z_ = buffer(shape_.latent), mean_ = buffer(shape_.latent), log_std_ = buffer(shape_.latent);
  decoded_ = buffer(shape_.data);
  squares_ = buffer(1), loss_ = buffer(1), ratio_ = buffer(1);
  log_variance_ = uploaded(exec, std::vector<float>{std::log(shape_.variance)});
  workspace_ = Buffer<std::uint8_t>(exec, workspace_of(exec, shape_, most_rows));
}

template <class F>
void VaeNetworks::each_part(int rows, int n, F const& f) const {
  require(n > 0 && n <= most_rows_, "vae: ", n, " samples of a row (needs 1 to ", most_rows_, ")");
  int const step = most_rows_ / n;
  for (int begin = 0; begin < rows; begin += step) f(begin, std::min(step, rows - begin));
}

InRows<float> VaeNetworks::part_of_condition(InRows<float> c, int begin, int rows) const {
  return shape_.condition > 0 ? rows_of(c, begin, rows) : InRows<float>(nullptr, rows, 0, 0);
}

void VaeNetworks::layers(Exec const& exec, std::vector<LayerShape> const& layers,
                         std::string const& name, InRows<float> first, InRows<float> shared,
                         OutRows<float> to) {
  InRows<float> from = first;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    LayerShape const& layer = layers[l];
    std::string const layer_name = name + "." + std::to_string(l);
    In<float> const weight = parameters_.values(layer_name + ".weight"),
                    bias = parameters_.values(layer_name + ".bias");
    OutRows<float> const y =
        l + 1 == layers.size() ? to : matrix(between_[l % 2], first.rows, layer.outputs);
    InRows<float> const of_first(weight.data, layer.outputs, from.cols, layer.width());
    visit(exec, [&](auto e) {
      if (l > 0 || shape_.condition == 0) {
        dense(e, from, of_first, bias, y, {},
              {.activation = layer.activation, .workspace = workspace_.out()});
        return;
      }
      // W [z, c] = W_z z + W_c c, the second part once for all rows that share it.
      InRows<float> const of_shared(weight.data + from.cols, layer.outputs, shape_.condition,
                                    layer.width());
      OutRows<float> const once = matrix(shared_, shared.rows, layer.outputs);
      GemmOptions options{.b = Transpose::yes, .bias = bias, .workspace = workspace_.out()};
      gemm(e, shared, of_shared, once, options);
      options.bias = {};
      gemm(e, from, of_first, y, options);
      add_shared_rows(e, layer.activation, y, once, y);
    });
    from = y;
  }
}

void VaeNetworks::encode_part(Exec const& exec, InRows<float> x, InRows<float> c,
                              OutRows<float> mean, OutRows<float> log_std) {
  InRows<float> features = x;
  if (shape_.has_image()) {
    OutRows<float> const to = matrix(features_, x.rows, shape_.features());
    conv_encoder(exec, shape_.image, x, parameters_.values("encoder_image"), to, workspace_.out());
    features = to;
  }
  OutRows<float> const head = matrix(head_, x.rows, 2 * shape_.latent);
  layers(exec, shape_.encoder_layers(), "encoder", features, c, head);
  visit(exec, [&](auto e) {
    apply_activation(e, Activation::identity, column_part(head, 0, 2), mean);
    log_deviation(e, shape_.head, column_part(head, 1, 2), log_std);
  });
}

void VaeNetworks::decode_part(Exec const& exec, InRows<float> z, InRows<float> c,
                              OutRows<float> to) {
  if (!shape_.has_image()) {
    layers(exec, shape_.decoder_layers(), "decoder", z, c, to);
  } else {
    OutRows<float> from = matrix(features_, z.rows, shape_.features());
    layers(exec, shape_.decoder_layers(), "decoder", z, c, from);
    for (int l = shape_.image.depth() - 1; l >= 0; --l) {
      ConvShape const conv = shape_.image.conv(l);
      std::string const name = "decoder_image." + std::to_string(l);
      OutRows<float> const y =
          l == 0 ? to : matrix(between_[static_cast<std::size_t>(l % 2)], z.rows, conv.inputs());
      visit(exec, [&](auto e) {
        conv_transposed(e, conv, from, parameters_.values(name + ".weight"),
                        parameters_.values(name + ".bias"), y, {},
                        {.activation = l == 0 ? Activation::identity : shape_.activation,
                         .workspace = workspace_.out()});
      });
      from = y;
    }
  }
  if (shape_.output == VaeShape::Output::tanh)
    visit(exec, [&](auto e) { squash(e, Squash::tanh, shape_.output_scale, to, to); });
}

namespace {

/// How many rows of `many` every row of c has. Without a condition c may be empty.
int samples_of(char const* who, VaeShape const& s, int many, InRows<float> c) {
  require(c.cols == s.condition, who, ": a condition of ", c.cols, " columns (needs ", s.condition,
          ")");
  if (s.condition == 0) return 1;
  require(c.rows > 0 ? many % c.rows == 0 : many == 0, who, ": ", many, " rows for ", c.rows,
          " conditions (needs a multiple)");
  return c.rows > 0 ? many / c.rows : 1;
}

void check_columns(char const* who, char const* what, InRows<float> x, int rows, int cols) {
  require(x.rows == rows && x.cols == cols, who, ": ", what, " is [", x.rows, "][", x.cols,
          "] (needs [", rows, "][", cols, "])");
}

}  // namespace

void VaeNetworks::encode(Exec const& exec, InRows<float> x, InRows<float> c, OutRows<float> mean,
                         OutRows<float> log_std) {
  char const* const who = "vae: encode";
  check_columns(who, "x", x, x.rows, shape_.data);
  if (shape_.condition > 0) check_columns(who, "c", c, x.rows, shape_.condition);
  check_columns(who, "mean", mean, x.rows, shape_.latent);
  check_columns(who, "log_std", log_std, x.rows, shape_.latent);
  each_part(x.rows, 1, [&](int begin, int n) {
    encode_part(exec, rows_of(x, begin, n), part_of_condition(c, begin, n), rows_of(mean, begin, n),
                rows_of(log_std, begin, n));
  });
}

void VaeNetworks::decode(Exec const& exec, InRows<float> z, InRows<float> c, OutRows<float> to) {
  char const* const who = "vae: decode";
  check_columns(who, "z", z, z.rows, shape_.latent);
  check_columns(who, "x", to, z.rows, shape_.data);
  int const n = samples_of(who, shape_, z.rows, c);
  if (z.rows == 0) return;
  each_part(z.rows / n, n, [&](int begin, int rows) {
    OutRows<float> const x = rows_of(to, begin * n, rows * n);
    decode_part(exec, rows_of(z, begin * n, rows * n), part_of_condition(c, begin, rows), x);
    if (shape_.likelihood == VaeShape::Likelihood::bernoulli)
      visit(exec, [&](auto e) { squash(e, Squash::sigmoid, 1.F, x, x); });
  });
}

void VaeNetworks::sample(Exec const& exec, InRows<float> c, RowDraws const& draws,
                         OutRows<float> to) {
  char const* const who = "vae: sample";
  check_columns(who, "x", to, to.rows, shape_.data);
  check_draws(who, draws, to.rows);
  int const n = samples_of(who, shape_, to.rows, c);
  if (to.rows == 0) return;
  each_part(to.rows / n, n, [&](int begin, int rows) {
    OutRows<float> const z = matrix(z_, rows * n, shape_.latent);
    visit(exec, [&](auto e) {
      gaussian_latent_prior_sample(e, shape_.prior_clip, draws_of(draws, begin * n, rows * n), z);
    });
    decode(exec, z, part_of_condition(c, begin, rows), rows_of(to, begin * n, rows * n));
  });
}

void VaeNetworks::bounds(Exec const& exec, InRows<float> x, InRows<float> c, RowDraws const& draws,
                         Out<float> elbo, Out<float> importance_weighted) {
  char const* const who = "vae: bounds";
  check_columns(who, "x", x, x.rows, shape_.data);
  if (shape_.condition > 0) check_columns(who, "c", c, x.rows, shape_.condition);
  auto const total = static_cast<int>(draws.stream.size);
  require(x.rows > 0 && total > 0 && total % x.rows == 0, who, ": ", total, " draws for ", x.rows,
          " rows (needs a multiple)");
  check_size(who, "elbo", elbo.size, x.rows);
  check_size(who, "importance_weighted", importance_weighted.size, x.rows);
  check_draws(who, draws, total);
  int const n = total / x.rows;
  each_part(x.rows, n, [&](int begin, int rows) {
    int const all = rows * n;
    auto const count = static_cast<std::size_t>(all);
    OutRows<float> const mean = matrix(mean_, rows, shape_.latent),
                         log_std = matrix(log_std_, rows, shape_.latent),
                         z = matrix(z_, all, shape_.latent),
                         decoded = matrix(decoded_, all, shape_.data);
    InRows<float> const own = part_of_condition(c, begin, rows), target = rows_of(x, begin, rows);
    Out<float> const squares = squares_.out().slice(0, count), loss = loss_.out().slice(0, count),
                     weight = ratio_.out().slice(0, count);
    encode_part(exec, target, own, mean, log_std);
    visit(exec, [&](auto e) {
      gaussian_latent_sample(e, {mean, log_std}, draws_of(draws, begin * n, all), z);
      gaussian_latent_log_ratio(e, {mean, log_std}, z, weight);
    });
    decode_part(exec, z, own, decoded);
    visit(exec, [&](auto e) {
      bool const bernoulli = shape_.likelihood == VaeShape::Likelihood::bernoulli;
      likelihood_loss(e, bernoulli ? Likelihood::bernoulli : Likelihood::squared, decoded, target,
                      bernoulli ? loss : squares);
      if (!bernoulli)
        gaussian_likelihood(e, shape_.data, 1.F, squares,
                            log_variance_of(shape_, parameters_, log_variance_.in()), loss, {}, {});
      affine(e, -1.F, 0.F, loss, loss);
      accumulate(e, {loss.data, 1, all}, {weight.data, 1, all});
      auto const at = static_cast<std::size_t>(begin), m = static_cast<std::size_t>(rows);
      log_mean_exp(e, {weight.data, rows, n}, importance_weighted.slice(at, m), elbo.slice(at, m));
    });
  });
}

}  // namespace loom
