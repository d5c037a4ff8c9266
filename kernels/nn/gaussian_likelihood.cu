#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/gaussian_likelihood.hpp>
#include <kernels/nn/gaussian_likelihood_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {

void gaussian_likelihood(Here exec, int numbers, float weight, In<float> squares,
                         In<float> log_variance, Out<float> loss, Out<float> slope,
                         Out<float> dlog_variance) {
  char const* const who = "gaussian_likelihood";
  auto const rows = static_cast<std::int64_t>(squares.size);
  require(numbers > 0, who, ": rows of ", numbers, " numbers (needs 1 or more)");
  check_size(who, "log_variance", log_variance.size, 1);
  check_size(who, "loss", loss.size, rows);
  if (slope.data != nullptr) check_size(who, "slope", slope.size, rows);
  if (dlog_variance.data != nullptr) check_size(who, "dlog_variance", dlog_variance.size, rows);
  launch(exec, static_cast<int>(rows),
         GaussianLikelihood{0.5F * static_cast<float>(numbers), weight, squares, log_variance, loss,
                            slope, dlog_variance});
}

}  // namespace loom
