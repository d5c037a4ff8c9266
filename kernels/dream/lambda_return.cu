#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/lambda_return.hpp>
#include <kernels/dream/lambda_return_body.hpp>

namespace loom {
namespace {

/// Trajectories of `in`; throws unless every size fits.
int trajectories_of(char const* who, int steps, LambdaReturnInput const& in) {
  require(steps > 0 && in.value.size % static_cast<std::size_t>(steps + 1) == 0, who, ": ", steps,
          " steps and ", in.value.size, " values (needs steps + 1 of them a trajectory)");
  std::size_t const n = in.value.size / static_cast<std::size_t>(steps + 1);
  require(n < (std::size_t{1} << 31), who, ": ", n, " trajectories (needs fewer than 2^31)");
  return static_cast<int>(n);
}

void fits(char const* who, char const* what, std::size_t size, int rows, int trajectories) {
  auto const needed = static_cast<std::size_t>(rows) * static_cast<std::size_t>(trajectories);
  require(size == needed, who, ": ", what, " has ", size, " elements (needs ", rows, " x ",
          trajectories, ")");
}

}  // namespace

void lambda_return(Here exec, int steps, float lambda, LambdaReturnInput const& in,
                   Out<float> returns) {
  char const* const who = "lambda_return";
  int const n = trajectories_of(who, steps, in);
  fits(who, "reward", in.reward.size, steps, n);
  fits(who, "discount", in.discount.size, steps, n);
  fits(who, "returns", returns.size, steps, n);
  if (in.cut.size != 0) fits(who, "cut", in.cut.size, steps, n);
  launch(exec, n, LambdaReturn{in, returns, steps, n, lambda}, kTile);
}

void lambda_return_backward(Here exec, int steps, float lambda, LambdaReturnInput const& in,
                            In<float> returns, In<float> dreturns,
                            LambdaReturnGradients const& gradients) {
  char const* const who = "lambda_return_backward";
  int const n = trajectories_of(who, steps, in);
  fits(who, "discount", in.discount.size, steps, n);
  require(in.cut.size == 0, who, ": trajectories with cuts");
  fits(who, "returns", returns.size, steps, n);
  fits(who, "dreturns", dreturns.size, steps, n);
  auto const optional = [&](char const* what, Out<float> gradient, int rows) {
    if (gradient.size != 0) fits(who, what, gradient.size, rows, n);
  };
  optional("the reward's gradient", gradients.reward, steps);
  optional("the discount's gradient", gradients.discount, steps);
  optional("the value's gradient", gradients.value, steps + 1);
  launch(exec, n, LambdaReturnBackward{in, returns, dreturns, gradients, steps, n, lambda}, kTile);
}

}  // namespace loom
