#include <learn/dreamer/behaviour.hpp>
#include <learn/dreamer/dynamics.hpp>
#include <learn/dreamer/reinforce.hpp>

namespace loom {
Stack::Shape BehaviourShape::actor_stack() const {
  bool const scaled = gradient == Gradient::reinforce;
  return world.rssm.stack({world.rssm.feature()}, actor_layers, actor_outputs(),
                          scaled ? 0.01F : 1.F);
}

Stack::Shape BehaviourShape::critic_stack() const {
  return world.rssm.stack({world.rssm.feature()}, critic_layers, world.scalars.outputs(),
                          world.scalar_scale());
}

std::vector<ParameterShape> actor_parameters(BehaviourShape const& shape) {
  return stack_parameters("actor", shape.actor_stack());
}

std::vector<ParameterShape> critic_parameters(BehaviourShape const& shape) {
  return stack_parameters("critic", shape.critic_stack());
}

void initialise_behaviour(Exec const& exec, BehaviourShape const& shape, std::uint64_t seed,
                          Parameters& actor, Parameters& critic) {
  initialise_stack(exec, shape.actor_stack(), seed, 7000, actor, "actor");
  initialise_stack(exec, shape.critic_stack(), seed, 8000, critic, "critic");
}

void draw_action(Exec const& exec, BehaviourShape const& shape, InRows<float> output,
                 ActionDraw const& how, RowDraws const& draws, OutRows<float> action,
                 Out<std::int32_t> index) {
  RowDraws const drawn = how.mode ? RowDraws{} : draws;
  visit(exec, [&](auto e) {
    switch (shape.policy) {
      case BehaviourShape::Policy::categorical:
        if (how.mode)
          actor_categorical_mode(e, output, index, action);
        else
          latent_sample(e, {1, action.cols, shape.actor.unimix}, output, drawn, index, action);
        break;
      case BehaviourShape::Policy::bounded_normal:
        actor_normal_sample(e, shape.actor.deviation, output, drawn, action);
        break;
      case BehaviourShape::Policy::truncated_normal:
        truncated_actor_sample(e, output, drawn, action);
        break;
      case BehaviourShape::Policy::tanh_normal: {
        TanhActor actor = shape.tanh;
        if (!how.explores) actor.noise = 0;
        tanh_actor_sample(e, actor, output, drawn, action);
        break;
      }
    }
  });
}

std::unique_ptr<Behaviour> make_behaviour(Exec const& exec, BehaviourShape const& shape,
                                          int sequences, int steps, Parameters& world,
                                          Parameters& actor, Parameters& critic,
                                          Parameters& slow_critic) {
  if (shape.gradient == BehaviourShape::Gradient::dynamics)
    return std::make_unique<DynamicsBehaviour>(exec, shape, sequences * steps, world, actor, critic,
                                               slow_critic);
  return std::make_unique<ReinforceBehaviour>(exec, shape, sequences, steps, world, actor, critic,
                                              slow_critic);
}

}  // namespace loom
