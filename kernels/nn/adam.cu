#include <kernels/nn/adam.hpp>
#include <kernels/nn/norm_folds.hpp>
#include <kernels/nn/optimiser.hpp>

namespace loom {
namespace {

AdamFactors factors_of(AdamConfig const& c) {
  return {c.beta1,
          c.beta2,
          static_cast<float>(1 - static_cast<double>(c.beta1)),
          static_cast<float>(1 - static_cast<double>(c.beta2)),
          log_decay(c.beta1),
          log_decay(c.beta2)};
}

}  // namespace

void adam_step(Here exec, AdamConfig const& config, AdamState state, In<float> learning_rate,
               In<float> gradient, Out<float> parameters, Out<std::uint8_t> workspace) {
  check(config);
  auto const needs = [](char const* what, std::size_t size, std::size_t n) {
    require(size == n, "adam: ", what, " has ", size, " elements (needs ", n, ")");
  };
  needs("gradient", gradient.size, parameters.size);
  needs("first_moment", state.first_moment.size, parameters.size);
  needs("second_moment", state.second_moment.size, parameters.size);
  needs("words", state.words.size, 3);
  needs("counters", state.counters.size, 2);
  needs("learning_rate", learning_rate.size, 1);
  AdamFactors const factors = factors_of(config);
  fold_squares(exec, "adam", gradient, AdamPrepare{factors, state}, workspace);
  launch(exec, static_cast<int>(parameters.size),
         AdamLanes{config, factors, state, learning_rate, gradient, parameters});
}

}  // namespace loom
