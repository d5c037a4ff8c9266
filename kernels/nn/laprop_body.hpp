#pragma once
// LaProp with clipping a tensor, on lanes: one lane a parameter, tensors cut into slabs.
#include <kernels/core/math.hpp>
#include <kernels/core/view.hpp>
#include <kernels/nn/optimiser_body.hpp>

namespace loom {

struct LaPropConfig {
  float beta1 = 0.9F;      ///< of the momentum
  float beta2 = 0.999F;    ///< of the second moment
  float epsilon = 1e-20F;  ///< added to the root
  float clip = 0.3F;  ///< a tensor's gradient is at most so much of its own norm; 0: not clipped
  float minimum_norm = 1e-3F;  ///< a tensor's norm counts as at least that
};

inline constexpr int kLaPropSlab = 4096;

/// A piece of one tensor, at most kLaPropSlab parameters.
struct LaPropSlab {
  std::int32_t first, size, tensor;
};

/// What a training run keeps, in device memory.
struct LaPropState {
  In<LaPropSlab> slabs;                ///< tensor after tensor
  In<std::int32_t> tensors;            ///< (T + 1): first slab of each tensor, and their number
  Out<float> momentum, second_moment;  ///< (n) each, 0 at the start
  Out<float> words;                    ///< (3): norm, 1 / (1 - beta1^t), 1 / (1 - beta2^t)
  Out<std::int32_t> counters;  ///< (2): steps t taken; steps skipped, the norm not being finite
  Out<float> sums;             ///< (slabs, 2) of scratch: squares of gradient and parameters
  Out<float> scales;  ///< (T, 2) of scratch: what the gradient is multiplied by; its squares
};

/// One parameter; `g` is clipped already.
template <class F>
HD void laprop_update(LaPropConfig const& c, F learning_rate, F inverse_bias1, F inverse_bias2, F g,
                      F& parameter, F& momentum, F& second_moment) {
  second_moment = math::fma(F(c.beta2), second_moment, F(1.F - c.beta2) * (g * g));
  F const direction = g / (math::sqrt(second_moment * inverse_bias2) + F(c.epsilon));
  momentum = math::fma(F(c.beta1), momentum, F(1.F - c.beta1) * direction);
  parameter = parameter - learning_rate * (momentum * inverse_bias1);
}

/// Squares of a gradient and of the parameters it belongs to.
struct SquaresFold {
  template <class F>
  struct Value {
    F gradient, parameters;
  };
  template <class F>
  HD Value<F> empty() const {
    return {F(0.F), F(0.F)};
  }
  template <class F>
  HD void close(Value<F>&) const {}
  template <class F>
  HD Value<F> merge(Value<F> const& a, Value<F> const& b) const {
    return {a.gradient + b.gradient, a.parameters + b.parameters};
  }
};

struct LaPropSlabSquares : SquaresFold {
  LaPropState state;
  In<float> gradient, parameters;

  HD int items(int slab) const { return state.slabs[static_cast<std::size_t>(slab)].size; }
  template <class F>
  HD void add(Value<F>& v, int slab, Lane<F> i) const {
    std::ptrdiff_t const first = state.slabs[static_cast<std::size_t>(slab)].first;
    F const g = load(gradient, i, first), w = load(parameters, i, first);
    v.gradient = math::fma(g, g, v.gradient);
    v.parameters = math::fma(w, w, v.parameters);
  }
  HD void finish(int slab, Value<float> const& v) const {
    state.sums[static_cast<std::size_t>(2 * slab)] = v.gradient;
    state.sums[static_cast<std::size_t>(2 * slab + 1)] = v.parameters;
  }
};

struct LaPropTensorScales : SquaresFold {
  LaPropConfig config;
  LaPropState state;

  HD int items(int tensor) const {
    auto const t = static_cast<std::size_t>(tensor);
    return state.tensors[t + 1] - state.tensors[t];
  }
  template <class F>
  HD void add(Value<F>& v, int tensor, Lane<F> i) const {
    auto const slab = iota(i) + state.tensors[static_cast<std::size_t>(tensor)];
    v.gradient = v.gradient + gather(state.sums.data, slab + slab);
    v.parameters = v.parameters + gather(state.sums.data + 1, slab + slab);
  }
  HD void finish(int tensor, Value<float> const& v) const {
    float const norm = math::sqrt(v.gradient);
    float const most = config.clip * math::max(math::sqrt(v.parameters), config.minimum_norm);
    auto const at = static_cast<std::size_t>(2 * tensor);
    state.scales[at] = config.clip > 0 && norm > most ? most / norm : 1.F;
    state.scales[at + 1] = v.gradient;
  }
};

/// Numbers of a config that need double precision; made on the host.
struct LaPropLogs {
  float beta1, beta2;
};

/// The whole gradient's norm: counts the step and prepares its bias corrections.
struct LaPropPrepare : SquaresFold {
  LaPropLogs logs;
  LaPropState state;

  HD int items(int) const { return static_cast<int>(state.tensors.size) - 1; }
  template <class F>
  HD void add(Value<F>& v, int, Lane<F> i) const {
    auto const tensor = iota(i);
    v.gradient = v.gradient + gather(state.scales.data + 1, tensor + tensor);
  }
  HD void finish(int, Value<float> const& v) const {
    int const t = count_step(math::sqrt(v.gradient), state.words, state.counters);
    if (t == 0) return;
    state.words[1] = 1.F / moment_weight(t, logs.beta1);
    state.words[2] = 1.F / moment_weight(t, logs.beta2);
  }
};

struct LaPropLanes {
  LaPropConfig config;
  LaPropState state;
  In<float> learning_rate, gradient;
  Out<float> parameters;

  /// Lane i is parameter i % kLaPropSlab of slab i / kLaPropSlab.
  template <class F>
  HD void operator()(Lane<F> i) const {
    LaPropSlab const slab = state.slabs[static_cast<std::size_t>(i.index / kLaPropSlab)];
    int const at = i.index % kLaPropSlab;
    if (at >= slab.size || !is_finite(state.words[0])) return;
    if (at + kWidth<F> <= slab.size) return update(slab, Lane<F>{slab.first + at});
    for (int l = at; l < slab.size; ++l) update(slab, Lane<float>{slab.first + l});
  }

 private:
  template <class F>
  HD void update(LaPropSlab const& slab, Lane<F> i) const {
    F const scale = F(state.scales[static_cast<std::size_t>(2 * slab.tensor)]);
    F parameter = load(In<float>(parameters), i);
    F momentum = load(In<float>(state.momentum), i);
    F second = load(In<float>(state.second_moment), i);
    laprop_update(config, F(learning_rate[0]), F(state.words[1]), F(state.words[2]),
                  load(gradient, i) * scale, parameter, momentum, second);
    store(parameters, i, parameter);
    store(state.momentum, i, momentum);
    store(state.second_moment, i, second);
  }
};

}  // namespace loom
