#include <kernels/core/fold.hpp>
#include <kernels/nn/laprop.hpp>
#include <kernels/nn/optimiser.hpp>

namespace loom {

void laprop_step(Here exec, LaPropConfig const& config, LaPropState const& state,
                 In<float> learning_rate, In<float> gradient, Out<float> parameters) {
  check(config);
  auto const needs = [](char const* what, std::size_t size, std::size_t n) {
    require(size == n, "laprop: ", what, " has ", size, " elements (needs ", n, ")");
  };
  std::size_t const n = parameters.size, slabs = state.slabs.size;
  require(state.tensors.size >= 2 && n < (std::size_t{1} << 31), "laprop: ", n, " parameters in ",
          state.tensors.size, " boundaries (needs fewer than 2^31, and at least 2)");
  std::size_t const tensors = state.tensors.size - 1;
  needs("gradient", gradient.size, n);
  needs("momentum", state.momentum.size, n);
  needs("second_moment", state.second_moment.size, n);
  needs("words", state.words.size, 3);
  needs("counters", state.counters.size, 2);
  needs("sums", state.sums.size, 2 * slabs);
  needs("scales", state.scales.size, 2 * tensors);
  needs("learning_rate", learning_rate.size, 1);
  launch_fold(exec, static_cast<int>(slabs), LaPropSlabSquares{{}, state, gradient, parameters});
  launch_fold(exec, static_cast<int>(tensors), LaPropTensorScales{{}, config, state});
  launch_fold(exec, 1,
              LaPropPrepare{{}, {log_decay(config.beta1), log_decay(config.beta2)}, state});
  launch(exec, static_cast<int>(slabs) * kLaPropSlab,
         LaPropLanes{config, state, learning_rate, gradient, parameters});
}

}  // namespace loom
