#include <kernels/core/error.hpp>
#include <kernels/core/fold.hpp>
#include <kernels/nn/gaussian_latent.hpp>
#include <kernels/nn/gaussian_latent_body.hpp>
#include <limits>

namespace loom {
namespace {

// Numbers, and rows of numbers, that a thread takes at least.
constexpr int kGaussianGrain = 512, kGaussianRows = 32;

void fits(char const* who, GaussianRows const& latent, InRows<float> like) {
  check_rows(who, like, latent.mean);
  check_rows(who, like, latent.log_std);
}

/// How many rows of z each row of the distribution has.
int draws_of_a_row(char const* who, GaussianRows const& latent, InRows<float> z) {
  fits(who, latent, latent.mean);
  check_extent(who, z);
  int const rows = latent.mean.rows;
  require(z.cols == latent.mean.cols && (rows > 0 ? z.rows % rows : z.rows) == 0, who, ": z [",
          z.rows, "][", z.cols, "] of [", rows, "][", latent.mean.cols,
          "] (needs a multiple of the rows, and the same columns)");
  return rows > 0 ? z.rows / rows : 1;
}

template <class Body>
void each_number(Here exec, Body const& body, InRows<float> like) {
  EachElement const each(body, like.rows, like.cols, false);
  launch(exec, each.lanes(), each, kGaussianGrain);
}

}  // namespace

void gaussian_latent_sample(Here exec, GaussianRows const& latent, RowDraws draws,
                            OutRows<float> z) {
  char const* const who = "gaussian_latent_sample";
  int const each = draws_of_a_row(who, latent, z);
  check_draws(who, draws, z.rows);
  each_number(exec, GaussianLatentSample{latent, draws, z, each}, z);
}

void gaussian_latent_prior_sample(Here exec, float clip, RowDraws draws, OutRows<float> z) {
  char const* const who = "gaussian_latent_prior_sample";
  require<ConfigError>(clip >= 0, who, ": clip ", clip, " (needs 0 or more)");
  check_extent(who, z);
  check_draws(who, draws, z.rows);
  float const most = clip > 0 ? clip : std::numeric_limits<float>::max();
  launch(exec, z.rows, GaussianLatentPriorSample{most, draws, z},
         kGaussianGrain / (z.cols + 1) + 1);
}

void gaussian_latent_sample_backward(Here exec, InRows<float> log_std, RowDraws draws,
                                     InRows<float> dz, OutRows<float> dlog_std) {
  char const* const who = "gaussian_latent_sample_backward";
  check_rows(who, log_std, dz);
  check_rows(who, log_std, dlog_std);
  check_draws(who, draws, dz.rows);
  each_number(exec, GaussianLatentSampleBackward{log_std, draws, dz, dlog_std}, dz);
}

void gaussian_latent_kl(Here exec, GaussianRows const& posterior, GaussianRows const& prior,
                        Out<float> kl) {
  char const* const who = "gaussian_latent_kl";
  fits(who, posterior, posterior.mean);
  if (prior.mean.data != nullptr) fits(who, prior, posterior.mean);
  check_size(who, "kl", kl.size, posterior.mean.rows);
  launch_fold(exec, posterior.mean.rows, GaussianLatentKl{{}, posterior, prior, kl}, kGaussianRows);
}

void gaussian_latent_log_ratio(Here exec, GaussianRows const& posterior, InRows<float> z,
                               Out<float> log_ratio) {
  char const* const who = "gaussian_latent_log_ratio";
  int const each = draws_of_a_row(who, posterior, z);
  check_size(who, "log_ratio", log_ratio.size, z.rows);
  launch_fold(exec, z.rows, GaussianLatentLogRatio{{}, posterior, z, log_ratio, each},
              kGaussianRows);
}

void gaussian_latent_kl_backward(Here exec, GaussianRows const& posterior,
                                 GaussianRows const& prior, KlWeights const& weights,
                                 GaussianGradients const& dposterior,
                                 GaussianGradients const& dprior) {
  char const* const who = "gaussian_latent_kl_backward";
  InRows<float> const like = posterior.mean;
  fits(who, posterior, like);
  if (prior.mean.data != nullptr) fits(who, prior, like);
  fits(who, {dposterior.mean, dposterior.log_std}, like);
  check_size(who, "representation", weights.representation.size, like.rows);
  if (dprior.mean.data != nullptr) {
    fits(who, {dprior.mean, dprior.log_std}, like);
    check_size(who, "dynamics", weights.dynamics.size, like.rows);
  }
  each_number(exec, GaussianLatentKlBackward{posterior, prior, weights, dposterior, dprior}, like);
}

}  // namespace loom
