#include <kernels/nn/laprop.hpp>

#include <algorithm>
#include <kernels/nn/optimiser.hpp>

namespace loom {
namespace {

struct Plan {
  std::vector<LaPropSlab> slabs;
  std::vector<std::int32_t> tensors;
  std::size_t parameters = 0;

  explicit Plan(std::vector<std::size_t> const& sizes) {
    require<ConfigError>(!sizes.empty(), "laprop: no tensors");
    for (std::size_t t = 0; t < sizes.size(); ++t) {
      require<ConfigError>(sizes[t] > 0, "laprop: tensor ", t, " is empty");
      tensors.push_back(static_cast<std::int32_t>(slabs.size()));
      for (std::size_t first = 0; first < sizes[t]; first += kLaPropSlab)
        slabs.push_back({static_cast<std::int32_t>(parameters + first),
                         static_cast<std::int32_t>(
                             std::min(sizes[t] - first, static_cast<std::size_t>(kLaPropSlab))),
                         static_cast<std::int32_t>(t)});
      parameters += sizes[t];
    }
    tensors.push_back(static_cast<std::int32_t>(slabs.size()));
    // Lanes are counted in 32 bits.
    require<ConfigError>(slabs.size() * kLaPropSlab < (std::size_t{1} << 31),
                         "laprop: ", parameters, " parameters in ", sizes.size(),
                         " tensors (needs fewer than 2^31)");
  }
};

}  // namespace

void check(LaPropConfig const& c) {
  auto const in_range = [](char const* what, float value, float low, float high) {
    check_coefficient("laprop", what, value, low, high);
  };
  in_range("beta1", c.beta1, 0, 1);
  in_range("beta2", c.beta2, 0, 1);
  in_range("epsilon", c.epsilon, 0, 1);
  in_range("clip", c.clip, 0, 1e30F);
  in_range("minimum_norm", c.minimum_norm, 0, 1e30F);
}

LaProp::LaProp(Exec const& exec, std::vector<std::size_t> const& tensors, LaPropConfig config)
    : config_(config) {
  check(config);
  Plan const plan(tensors);
  momentum_ = zeros<float>(exec, plan.parameters);
  second_moment_ = zeros<float>(exec, plan.parameters);
  words_ = zeros<float>(exec, 3);
  sums_ = zeros<float>(exec, 2 * plan.slabs.size());
  scales_ = zeros<float>(exec, 2 * tensors.size());
  counters_ = zeros<std::int32_t>(exec, 2);
  tensors_ = uploaded(exec, plan.tensors);
  slabs_ = uploaded(exec, plan.slabs);
}

void LaProp::step(Exec const& exec, Out<float> parameters, In<float> gradient,
                  In<float> learning_rate) {
  LaPropState const state{slabs_.in(),  tensors_.in(),   momentum_.out(), second_moment_.out(),
                          words_.out(), counters_.out(), sums_.out(),     scales_.out()};
  visit(exec, [&](auto e) { laprop_step(e, config_, state, learning_rate, gradient, parameters); });
}

}  // namespace loom
