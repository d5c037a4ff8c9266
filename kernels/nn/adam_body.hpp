#pragma once
// Adam and AdamW, on lanes: one lane a parameter.
#include <kernels/nn/optimiser_body.hpp>

namespace loom {

enum class WeightDecay {
  l2,        ///< Adam: added to the gradient
  decoupled  ///< AdamW: shrinks the parameters
};

struct AdamConfig {
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;  ///< added to the root, outside of it
  float weight_decay = 0.F;
  WeightDecay decay = WeightDecay::decoupled;
  float max_norm = 0.F;  ///< global norm that gradients are clipped to; 0: not clipped
};

/// What a training run keeps for a parameter buffer, in device memory.
struct AdamState {
  Out<float> first_moment, second_moment;
  Out<float> words;            ///< (3): norm, 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  Out<std::int32_t> counters;  ///< (2): steps t taken; steps skipped, the norm not being finite
};

/// Numbers of a config that need double precision; made on the host.
struct AdamFactors {
  float beta1, beta2, one_minus_beta1, one_minus_beta2, log_beta1, log_beta2;
};

/// One parameter. `factor` clips the gradient; the inverses correct the moments' bias.
template <class F>
HD void adam_update(AdamConfig const& c, AdamFactors const& f, F learning_rate, F factor,
                    F inverse_bias1, F inverse_root_bias2, F gradient, F& parameter,
                    F& first_moment, F& second_moment) {
  F g = gradient * factor;
  if (c.decay == WeightDecay::l2)
    g = math::fma(F(c.weight_decay), parameter, g);
  else
    parameter = parameter * (F(1.F) - learning_rate * F(c.weight_decay));
  first_moment = math::fma(F(f.beta1), first_moment, F(f.one_minus_beta1) * g);
  second_moment = math::fma(F(f.beta2), second_moment, F(f.one_minus_beta2) * g * g);
  F const root = math::fma(math::sqrt(second_moment), inverse_root_bias2, F(c.epsilon));
  parameter = parameter - learning_rate * inverse_bias1 * (first_moment / root);
}

/// Last fold of the norm: counts the step and prepares its bias corrections.
struct AdamPrepare {
  AdamFactors factors;
  AdamState state;

  HD void operator()(int, reduction::Total<float> const& v) const {
    int const t = count_step(math::sqrt(v.sum), state.words, state.counters);
    if (t == 0) return;
    state.words[1] = 1.F / moment_weight(t, factors.log_beta1);
    state.words[2] = 1.F / math::sqrt(moment_weight(t, factors.log_beta2));
  }
};

struct AdamLanes {
  AdamConfig config;
  AdamFactors factors;
  AdamState state;
  In<float> learning_rate, gradient;
  Out<float> parameters;

  template <class F>
  HD void operator()(Lane<F> i) const {
    float const norm = state.words[0];
    if (!is_finite(norm)) return;
    F parameter = load(In<float>(parameters), i);
    F first = load(In<float>(state.first_moment), i);
    F second = load(In<float>(state.second_moment), i);
    adam_update(config, factors, F(learning_rate[0]), F(clip_factor(norm, config.max_norm)),
                F(state.words[1]), F(state.words[2]), load(gradient, i), parameter, first, second);
    store(parameters, i, parameter);
    store(state.first_moment, i, first);
    store(state.second_moment, i, second);
  }
};

}  // namespace loom
