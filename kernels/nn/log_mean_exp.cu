#include <kernels/core/error.hpp>
#include <kernels/core/fold.hpp>
#include <kernels/nn/log_mean_exp.hpp>
#include <kernels/nn/log_mean_exp_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

void log_mean_exp(Here exec, InRows<float> x, Out<float> log_mean, Out<float> mean) {
  char const* const who = "log_mean_exp";
  require(x.cols > 0, who, ": rows of ", x.cols, " numbers (needs 1 or more)");
  check_size(who, "log_mean", log_mean.size, x.rows);
  if (mean.data != nullptr) check_size(who, "mean", mean.size, x.rows);
  launch_fold(exec, x.rows, LogMeanExp{x, log_mean, mean}, 16);
}

}  // namespace loom
