#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/tanh_gaussian.hpp>
#include <kernels/nn/tanh_gaussian_body.hpp>

namespace loom {

void tanh_gaussian_log_prob(Here exec, InRows<float> mean, InRows<float> log_std,
                            InRows<float> pre_tanh, Out<float> log_prob) {
  char const* const who = "tanh_gaussian_log_prob";
  check_rows(who, mean, log_std);
  check_rows(who, mean, pre_tanh);
  check_size(who, "log_prob", log_prob.size, mean.rows);
  launch(exec, mean.rows, TanhGaussianLogProb{mean, log_std, pre_tanh, log_prob});
}

void tanh_gaussian_sample(Here exec, InRows<float> mean, InRows<float> log_std, RowDraws draws,
                          OutRows<float> action, OutRows<float> pre_tanh, Out<float> log_prob) {
  char const* const who = "tanh_gaussian_sample";
  check_rows(who, mean, log_std);
  check_rows(who, mean, action);
  check_rows(who, mean, pre_tanh);
  check_size(who, "log_prob", log_prob.size, mean.rows);
  check_draws(who, draws, mean.rows);
  launch(exec, mean.rows, TanhGaussianSample{mean, log_std, draws, action, pre_tanh, log_prob});
}

}  // namespace loom
