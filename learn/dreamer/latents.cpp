#include <kernels/linalg/accumulate.hpp>
#include <kernels/nn/deviation.hpp>
#include <learn/core/layer.hpp>
#include <learn/dreamer/latents.hpp>

namespace loom {
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
  visit(exec,
        [&](auto e) { deviation(e, shape_.least_deviation, column_part(statistics, 1, 2), to); });
  return {column_part(statistics, 0, 2), to};
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
      deviation_backward(e, shape_.least_deviation, column_part(statistics, 1, 2), slope, slope);
      accumulate(e, dz, column_part(dstatistics, 0, 2));
      accumulate(e, slope, column_part(dstatistics, 1, 2));
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
      gaussian_latent_kl_backward(e, q, p, weights,
                                  {column_part(dposterior, 0, 2), column_part(dposterior, 1, 2)},
                                  {column_part(dprior, 0, 2), column_part(dprior, 1, 2)});
      float const least = shape_.least_deviation;
      deviation_backward(e, least, column_part(posterior, 1, 2), column_part(dposterior, 1, 2),
                         column_part(dposterior, 1, 2));
      deviation_backward(e, least, column_part(prior, 1, 2), column_part(dprior, 1, 2),
                         column_part(dprior, 1, 2));
    });
  }
}

}  // namespace loom
