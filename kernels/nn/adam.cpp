#include <kernels/linalg/reduce.hpp>
#include <kernels/nn/adam.hpp>
#include <kernels/nn/optimiser.hpp>

namespace loom {

void check(AdamConfig const& c) {
  auto const in_range = [](char const* what, float value, float low, float high) {
    check_coefficient("adam", what, value, low, high);
  };
  in_range("beta1", c.beta1, 0, 1);
  in_range("beta2", c.beta2, 0, 1);
  in_range("epsilon", c.epsilon, 0, 1);
  in_range("weight_decay", c.weight_decay, 0, 1e6F);
  in_range("max_norm", c.max_norm, 0, 1e30F);
}

Adam::Adam(Exec const& exec, std::size_t n, AdamConfig config)
    : config_(config),
      first_moment_(zeros<float>(exec, n)),
      second_moment_(zeros<float>(exec, n)),
      words_(zeros<float>(exec, 3)),
      counters_(zeros<std::int32_t>(exec, 2)),
      workspace_(exec, reduce_workspace(n)) {
  check(config);
}

void Adam::step(Exec const& exec, Out<float> parameters, In<float> gradient,
                In<float> learning_rate) {
  AdamState const state{first_moment_.out(), second_moment_.out(), words_.out(), counters_.out()};
  visit(exec, [&](auto e) {
    adam_step(e, config_, state, learning_rate, gradient, parameters, workspace_.out());
  });
}

}  // namespace loom
