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
  if (!normed_as_published(shape.world.rssm))
    return "takes core block with norm rms, the others with none";
  return dream_fits(exec, dream_shape(shape)) ? "" : "has no room for a model of this size";
}

Imagination::Imagination(Exec const& exec, BehaviourShape const& shape, Parameters& world,
                         Parameters& actor)
    : packed_(exec, dream_shape(shape)) {
  auto const take = [&](Parameters& p, std::vector<ParameterShape> const& shapes) {
    auto const of = joint_sources(p, shapes);
    sources_.insert(sources_.end(), of.begin(), of.end());
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
