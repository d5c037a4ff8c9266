#include <kernels/dream/truncated_actor.hpp>
#include <learn/dreamer/behaviour_shape.hpp>

namespace loom {
Stack::Shape BehaviourShape::actor_stack() const {
  return world.rssm.stack({world.rssm.feature()}, actor_layers, actor_outputs(), actor_scale);
}

Stack::Shape BehaviourShape::critic_stack() const {
  return world.rssm.stack({world.rssm.feature()}, critic_layers, world.scalars.outputs(),
                          world.scalar_scale());
}

void BehaviourShape::check() const {
  bool const score = gradient == Gradient::reinforce,
             departure = rewards == RewardTiming::departure;
  if (score)
    require<ConfigError>(
        policy == Policy::categorical || policy == Policy::bounded_normal,
        "dreamer: gradient reinforce of continuous actions needs policy bounded_normal");
  else
    require<ConfigError>(
        policy != Policy::categorical,
        "dreamer: gradient dynamics needs continuous actions (discrete ones: reinforce)");
  require<ConfigError>(
      !score || !departure || from_start,
      "dreamer: gradient reinforce with rewards departure needs returns_from_start");
  require<ConfigError>(!from_start || departure,
                       "dreamer: returns_from_start needs rewards departure");
  require<ConfigError>(!departure || replay_loss == 0,
                       "dreamer: rewards departure needs replay_loss 0 (is ", replay_loss, ")");
  require<ConfigError>(!departure || horizon > 1,
                       "dreamer: rewards departure needs a horizon of 2 or more");
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

}  // namespace loom
