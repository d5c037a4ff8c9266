#include <algorithm>
#include <kernels/nn/activation_body.hpp>
#include <learn/dreamer/imagination.hpp>

namespace loom {

DreamShape dream_shape(BehaviourShape const& shape) {
  RssmShape const& r = shape.world.rssm;
  DreamShape s;
  s.core = r.core;
  s.deter = r.deter, s.units = r.units, s.blocks = r.blocks;
  s.latents = r.latents;
  s.actions = r.actions;
  s.policy = {shape.policy, shape.actor.unimix, shape.actor.deviation, shape.tanh};
  s.actor_layers = shape.actor_layers, s.prior_layers = r.prior_layers;
  s.activation = r.activation;
  s.bounded_actions = shape.policy == DreamPolicy::bounded_normal;
  return s;
}

std::string Imagination::refusal(Exec const& exec, BehaviourShape const& shape) {
  RssmShape const& r = shape.world.rssm;
  bool const block = r.core == RssmCore::block;
  if (block ? r.norm != Norm::rms : r.norm.has_value())
    return "takes core block with norm rms, the others with none";
  // The model's own gradient needs the activations of all steps.
  if (shape.gradient == BehaviourShape::Gradient::dynamics) {
    if (block) return "keeps no activations of core block for gradient dynamics";
    if (keeps_input(r.activation)) return "keeps no activations of silu for gradient dynamics";
    if (std::max(shape.actor_layers, r.prior_layers) >= DreamKept::kMaxLayers)
      return "keeps activations of fewer layers for gradient dynamics";
  }
  return dream_fits(exec, dream_shape(shape)) ? "" : "has no room for a model of this size";
}

Imagination::Imagination(Exec const& exec, BehaviourShape const& shape, Parameters& world,
                         Parameters& actor)
    : packed_(exec, dream_shape(shape)) {
  auto const take = [&](Parameters& p, std::vector<ParameterShape> const& shapes) {
    for (ParameterShape const& s : shapes) {
      float const* const data = p.values(s.name).data;
      if (s.name.ends_with(".weight"))
        sources_.push_back({.weight = data});
      else if (s.name.ends_with(".bias"))
        sources_.back().bias = data;
      else if (s.name.ends_with(".gain"))
        sources_.back().gain = data;
      else
        sources_.back().shift = data;
    }
  };
  take(actor, actor_parameters(shape));
  take(world, recurrence_parameters("recurrence", shape.world.rssm));
  take(world, stack_parameters("prior", shape.world.rssm.prior()));
}

void Imagination::run(Exec const& exec, InRows<float> start, RowDraws const& draws,
                      DreamOutput const& output) {
  packed_.pack(exec, sources_);
  visit(exec, [&](auto e) { dream_rollout(e, packed_.view(), start, draws, output); });
}

}  // namespace loom
