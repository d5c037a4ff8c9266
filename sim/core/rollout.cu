#include <kernels/core/error.hpp>
#include <kernels/nn/mlp_body.hpp>
#include <sim/core/rollout.hpp>
#include <sim/core/sample_action_body.hpp>

namespace loom {
namespace {

struct ObservationValues {
  MlpView critic;
  ObservationNorm norm;
  Tiles<float> observation;
  int n;
  std::int32_t const* places;
  std::int32_t const* count;
  float* value;

  template <class Block>
  HD void operator()(Block& b) const {
    int const live = count == nullptr ? n : *count;
    if (b.first() >= live) return;
    auto const out = b.values(1);
    // Lanes past the end work on the last place again and store nothing.
    auto place = [&](auto lane) {
      auto const index = iota(lane);
      auto const inside = select(index < live, index, decltype(index)(live - 1));
      return places == nullptr ? inside : gather(places, inside);
    };
    auto x = b.tile_after_sync(observation.fields, [&](int field, auto lane) {
      auto const at = place(lane);
      auto const column = at & (kTile - 1);
      auto const offset = (at - column) * observation.fields + column + field * kTile;
      return norm(field, gather(observation.data, offset));
    });
    mlp<Outputs::few>(b, critic, x, [&](auto at, auto v) { b.put(out, at, v); });
    b.sync();
    b.lanes([&](auto lane) { scatter(value, place(lane), out.load(0, lane)); });
  }
};

struct ChooseActions {
  ActionSpace space;
  PolicyView policy;
  EnvMemory m;
  InRows<float> features;
  float* log_prob;  // may be null, and so may value
  float* value;

  template <class Block>
  HD void operator()(Block& b) const {
    auto const head = b.values(space.size);
    auto const values = b.values(1);
    bool const critic = policy.critic.stack.depth > 0 && value != nullptr;
    auto x = b.tile_after_sync(features.cols, [&](int field, auto lane) {
      return gather(features.data, iota(lane) * features.stride + field);
    });
    auto keep = b.keep(x);
    keep.alive = critic;
    mlp<Outputs::few>(b, policy.actor, keep, [&](auto at, auto v) { b.put(head, at, v); });
    if (critic)
      mlp<Outputs::few>(b, policy.critic, x, [&](auto at, auto v) { b.put(values, at, v); });
    b.sync();
    b.lanes([&](auto lane) {
      auto const p = sample_action(space, m, policy, lane, head);
      if (log_prob != nullptr) store(log_prob, lane, p);
      if (critic) store(value, lane, values.load(0, lane));
    });
  }
};

struct PolicyAct {
  ActionSpace space;
  PolicyView policy;
  std::uint64_t seed;
  std::uint32_t tick;
  InRows<float> observation;
  OutRows<float> action;

  template <class Block>
  HD void operator()(Block& b) const {
    auto const head = b.values(space.size);
    // Lanes past the end work on the last row again and store the same once more.
    auto row = [&](auto lane) {
      auto const index = iota(lane);
      return select(index < observation.rows, index, decltype(index)(observation.rows - 1));
    };
    auto x = b.tile_after_sync(observation.cols, [&](int field, auto lane) {
      return policy.norm(field, gather(observation.data, row(lane) * observation.stride + field));
    });
    mlp<Outputs::few>(b, policy.actor, x, [&](auto at, auto v) { b.put(head, at, v); });
    b.sync();
    b.lanes([&](auto lane) { choose(lane, row(lane), head); });
  }

  template <class F, class Head>
  HD void choose(Lane<F> lane, IntOf<F> row, Head const& head) const {
    Random<F> random(seed, as_uint(row), UintOf<F>(tick), Purpose::action);
    auto const at = row * action.stride;
    if (space.discrete) {
      auto const logit = [&](int k) { return head.load(k, lane); };
      IntOf<F> const a = policy.greedy ? categorical_greedy<F>(space.size, logit)
                                       : categorical_sample<F>(space.size, logit, random.uniform());
      scatter(action.data, at, convert<F>(a));
      return;
    }
    for (int k = 0; k < space.size; ++k) {
      F const mean = head.load(k, lane);
      scatter(action.data, at + k,
              policy.greedy ? mean : gaussian_sample(mean, F(policy.log_std[k]), random.normal()));
    }
  }
};

}  // namespace

void policy_act(Here exec, ActionSpace const& space, PolicyView const& policy, std::uint64_t seed,
                std::uint32_t tick, InRows<float> observation, OutRows<float> action) {
  DenseStack const& net = policy.actor.stack;
  require(observation.cols == net.layers[0].inputs && action.cols == space.fields() &&
              action.rows == observation.rows,
          "policy: ", observation.rows, " x ", observation.cols, " observations, ", action.rows,
          " x ", action.cols, " actions (needs ", net.layers[0].inputs, " and ", space.fields(),
          " columns)");
  BlockNeeds needs;
  needs.width = net.width;
  needs.values = space.size;
  needs.tape = Tape{net.tape};
  launch_blocks(exec, observation.rows, needs,
                PolicyAct{space, policy, seed, tick, observation, action});
}

void choose_actions(Here exec, ActionSpace const& space, PolicyView const& policy,
                    EnvMemory const& memory, InRows<float> features, RolloutView const& out,
                    int t) {
  DenseStack const &actor = policy.actor.stack, &critic = policy.critic.stack;
  require(features.rows == memory.num_envs && actor.depth > 0 &&
              features.cols == actor.layers[0].inputs &&
              actor.layers[actor.depth - 1].outputs == space.size &&
              (critic.depth == 0 || critic.layers[0].inputs == features.cols),
          "choose_actions: ", features.rows, " x ", features.cols, " features for ",
          memory.num_envs, " instances with ", space.size,
          " logits or means (do not fit the policy)");
  BlockNeeds needs;
  needs.tiles = 2;
  needs.width = actor.width > critic.width ? actor.width : critic.width;
  needs.values = space.size + 1;
  bool const values = critic.depth > 0 && out.value != nullptr;
  needs.tape = values ? Tape{actor.tape, critic.tape} : Tape{actor.tape};
  auto const at = static_cast<std::ptrdiff_t>(t) * memory.num_envs;
  launch_blocks(exec, memory.num_envs, needs,
                ChooseActions{space, policy, at_step(memory, out, t), features,
                              out.log_prob == nullptr ? nullptr : out.log_prob + at,
                              values ? out.value + at : nullptr});
}

void observation_values(Here exec, MlpView const& critic, ObservationNorm const& norm,
                        Tiles<float> observation, int n, In<std::int32_t> places,
                        In<std::int32_t> count, Out<float> value) {
  int const outputs = critic.stack.layers[critic.stack.depth - 1].outputs;
  require(outputs == 1, "observation_values: a critic with ", outputs, " outputs (needs 1)");
  BlockNeeds needs;
  needs.width = critic.stack.width;
  needs.values = 1;
  needs.tape = Tape{critic.stack.tape};
  launch_blocks(
      exec, n, needs,
      ObservationValues{critic, norm, observation, n, places.data, count.data, value.data});
}

}  // namespace loom
