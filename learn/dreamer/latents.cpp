#include <kernels/linalg/accumulate.hpp>
#include <kernels/nn/deviation.hpp>
#include <learn/dreamer/latents.hpp>

namespace loom {
namespace {

/// The first or the second half of the columns.
template <class Rows>
Rows half(Rows x, int k) {
  int const n = x.cols / 2;
  return {x.data + k * n, x.rows, n, x.stride};
}

}  // namespace

Latents::Latents(Exec const& exec, LatentsShape const& shape, int rows)
    : shape_(shape), slope_(exec, elements(rows, shape.statistics())) {
  if (shape.kind == LatentsShape::Kind::categorical) {
    index_ = Buffer<std::int32_t>(exec, elements(rows, shape.groups));
  } else {
    log_std_ = Buffer<float>(exec, elements(rows, shape.gaussian));
    prior_log_std_ = Buffer<float>(exec, elements(rows, shape.gaussian));
  }
}

GaussianRows Latents::gaussian(Exec const& exec, InRows<float> statistics,
                               Buffer<float>& log_std) const {
  OutRows<float> const to(log_std.data(), statistics.rows, shape_.gaussian);
  visit(exec, [&](auto e) { deviation(e, shape_.least_deviation, half(statistics, 1), to); });
  return {half(statistics, 0), to};
}

void Latents::sample(Exec const& exec, InRows<float> statistics, RowDraws const& draws,
                     OutRows<float> z) {
  if (shape_.kind == LatentsShape::Kind::categorical) {
    visit(exec, [&](auto e) {
      latent_sample(e, categorical(), statistics, draws,
                    index_.out().slice(0, elements(z.rows, shape_.groups)), z);
    });
  } else {
    GaussianRows const rows = gaussian(exec, statistics, log_std_);
    visit(exec, [&](auto e) { gaussian_latent_sample(e, rows, draws, z); });
  }
}

void Latents::sample_backward(Exec const& exec, InRows<float> statistics, RowDraws const& draws,
                              InRows<float> dz, OutRows<float> dstatistics) {
  OutRows<float> const slope(slope_.data(), dz.rows, shape_.size());
  if (shape_.kind == LatentsShape::Kind::categorical) {
    visit(exec, [&](auto e) {
      latent_sample_backward(e, categorical(), statistics, dz, slope);
      accumulate(e, slope, dstatistics);
    });
  } else {
    GaussianRows const rows = gaussian(exec, statistics, log_std_);
    visit(exec, [&](auto e) {
      gaussian_latent_sample_backward(e, rows.log_std, draws, dz, slope);
      deviation_backward(e, shape_.least_deviation, half(statistics, 1), slope, slope);
      accumulate(e, dz, half(dstatistics, 0));
      accumulate(e, slope, half(dstatistics, 1));
    });
  }
}

void Latents::divergence(Exec const& exec, InRows<float> posterior, InRows<float> prior,
                         Out<float> kl) {
  if (shape_.kind == LatentsShape::Kind::categorical) {
    visit(exec, [&](auto e) { latent_kl(e, categorical(), posterior, prior, kl); });
  } else {
    GaussianRows const q = gaussian(exec, posterior, log_std_),
                       p = gaussian(exec, prior, prior_log_std_);
    visit(exec, [&](auto e) { gaussian_latent_kl(e, q, p, kl); });
  }
}

void Latents::divergence_backward(Exec const& exec, InRows<float> posterior, InRows<float> prior,
                                  KlWeights const& weights, OutRows<float> dposterior,
                                  OutRows<float> dprior) {
  if (shape_.kind == LatentsShape::Kind::categorical) {
    visit(exec, [&](auto e) {
      latent_kl_backward(e, categorical(), posterior, prior, weights, dposterior, dprior);
    });
  } else {
    GaussianRows const q = gaussian(exec, posterior, log_std_),
                       p = gaussian(exec, prior, prior_log_std_);
    visit(exec, [&](auto e) {
      gaussian_latent_kl_backward(e, q, p, weights, {half(dposterior, 0), half(dposterior, 1)},
                                  {half(dprior, 0), half(dprior, 1)});
      float const least = shape_.least_deviation;
      deviation_backward(e, least, half(posterior, 1), half(dposterior, 1), half(dposterior, 1));
      deviation_backward(e, least, half(prior, 1), half(dprior, 1), half(dprior, 1));
    });
  }
}

}  // namespace loom
