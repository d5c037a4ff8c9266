#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/gaussian.hpp>
#include <kernels/nn/gaussian_body.hpp>

namespace loom {

void gaussian_log_prob(Here exec, InRows<float> mean, In<float> log_std, InRows<float> action,
                       Out<float> log_prob) {
  char const* const who = "gaussian_log_prob";
  check_rows(who, mean, action);
  check_size(who, "log_std", log_std.size, mean.cols);
  check_size(who, "log_prob", log_prob.size, mean.rows);
  launch(exec, mean.rows, GaussianLogProb{mean, log_std, action, log_prob});
}

void gaussian_entropy(Here exec, In<float> log_std, Out<float> entropy) {
  check_size("gaussian_entropy", "entropy", entropy.size, 1);
  launch(exec, 1, GaussianEntropy{log_std, entropy});
}

void gaussian_sample(Here exec, InRows<float> mean, In<float> log_std, RowDraws draws,
                     OutRows<float> action, Out<float> log_prob) {
  char const* const who = "gaussian_sample";
  check_rows(who, mean, action);
  check_size(who, "log_std", log_std.size, mean.cols);
  if (log_prob.size != 0) check_size(who, "log_prob", log_prob.size, mean.rows);
  check_draws(who, draws, mean.rows);
  launch(exec, mean.rows, GaussianSample{mean, log_std, draws, action, log_prob});
}

}  // namespace loom
