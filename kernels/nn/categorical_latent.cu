#include <kernels/core/error.hpp>
#include <kernels/core/fold.hpp>
#include <kernels/nn/categorical_latent.hpp>
#include <kernels/nn/categorical_latent_body.hpp>

namespace loom {
namespace {

// Groups, and rows of groups, that a thread takes at least.
constexpr int kLatentGrain = 64, kLatentRows = 4;

void fits(char const* who, LatentShape const& shape, InRows<float> logits) {
  require(shape.groups > 0 && shape.classes > 1 && shape.unimix >= 0 && shape.unimix < 1, who, ": ",
          shape.groups, " groups of ", shape.classes, " classes, unimix ", shape.unimix,
          " (needs at least 1, 2 and 0 to below 1)");
  require(logits.cols == shape.groups * shape.classes, who, ": ", logits.cols, " logits (needs ",
          shape.groups, " x ", shape.classes, ")");
}

template <class Body>
void each_group(Here exec, Body const& body, int rows) {
  EachElement const each(body, rows, body.shape.groups, false);
  launch(exec, each.lanes(), each, kLatentGrain);
}

}  // namespace

void latent_sample(Here exec, LatentShape const& shape, InRows<float> logits, RowDraws draws,
                   Out<std::int32_t> index, OutRows<float> one_hot) {
  char const* const who = "latent_sample";
  fits(who, shape, logits);
  check_draws(who, draws, logits.rows);
  check_size(who, "index", index.size, std::int64_t{logits.rows} * shape.groups);
  if (one_hot.data != nullptr) check_rows(who, logits, one_hot);
  each_group(exec, LatentSample{shape, logits, draws, index, one_hot}, logits.rows);
}

void latent_sample_backward(Here exec, LatentShape const& shape, InRows<float> logits,
                            InRows<float> done_hot, OutRows<float> dlogits) {
  char const* const who = "latent_sample_backward";
  fits(who, shape, logits);
  check_rows(who, logits, done_hot);
  check_rows(who, logits, dlogits);
  each_group(exec, LatentSampleBackward{shape, logits, done_hot, dlogits}, logits.rows);
}

void latent_kl(Here exec, LatentShape const& shape, InRows<float> posterior, InRows<float> prior,
               Out<float> kl) {
  char const* const who = "latent_kl";
  fits(who, shape, posterior);
  check_rows(who, posterior, prior);
  check_size(who, "kl", kl.size, posterior.rows);
  launch_fold(exec, posterior.rows, LatentKl{{}, shape, posterior, prior, kl}, kLatentRows);
}

void latent_kl_backward(Here exec, LatentShape const& shape, InRows<float> posterior,
                        InRows<float> prior, KlWeights const& weights, OutRows<float> dposterior,
                        OutRows<float> dprior) {
  char const* const who = "latent_kl_backward";
  fits(who, shape, posterior);
  check_rows(who, posterior, prior);
  check_rows(who, posterior, dposterior);
  check_rows(who, posterior, dprior);
  check_size(who, "representation", weights.representation.size, posterior.rows);
  check_size(who, "dynamics", weights.dynamics.size, posterior.rows);
  each_group(exec, LatentKlBackward{shape, posterior, prior, weights, dposterior, dprior},
             posterior.rows);
}

}  // namespace loom
