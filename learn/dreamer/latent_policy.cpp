#include <kernels/dream/carry.hpp>
#include <kernels/linalg/affine.hpp>
#include <kernels/nn/likelihood.hpp>
#include <kernels/nn/schedule.hpp>
#include <learn/dreamer/latent_policy.hpp>
#include <numeric>
#include <sim/core/rows.hpp>

namespace loom {
namespace {

std::vector<std::uint32_t> count_up(int rows, std::uint32_t from) {
  std::vector<std::uint32_t> x(static_cast<std::size_t>(rows));
  std::iota(x.begin(), x.end(), from);
  return x;
}

/// Streams of actions, beyond those of any instance.
constexpr std::uint32_t kActions = 0x80000000U;

}  // namespace

LatentPolicy::LatentPolicy(Exec const& exec, BehaviourShape const& shape, int rows,
                           std::uint64_t seed, Parameters& world, Parameters& actor)
    : shape_(shape),
      rows_(rows),
      seed_(seed),
      encoder_(exec, shape.world.encoder(), rows, 1, world, "encoder", false),
      recurrence_(make_recurrence(exec, shape.world.rssm, rows, 1, world, "recurrence", false)),
      latents_(exec, shape.world.rssm.latents, rows),
      posterior_(exec, shape.world.rssm.posterior(), rows, 1, world, "posterior", false),
      actor_(exec, shape.actor_stack(), rows, 1, actor, "actor", false),
      squashed_(exec, elements(rows, shape.world.observation)),
      feature_(zeros<float>(exec, elements(rows, shape.world.rssm.feature()))),
      before_h_(exec, elements(rows, shape.world.rssm.deter)),
      before_z_(exec, elements(rows, shape.world.rssm.stochastic())),
      before_a_(exec, elements(rows, shape.world.rssm.actions)),
      action_(zeros<float>(exec, elements(rows, shape.world.rssm.actions))),
      scaled_(exec, elements(rows, shape.world.rssm.actions)),
      index_(zeros<std::int32_t>(exec, elements(rows, 1))),
      stream_(uploaded(exec, count_up(rows, 0))),
      action_stream_(uploaded(exec, count_up(rows, kActions))),
      acts_(zeros<std::uint32_t>(exec, 1)) {}

void LatentPolicy::act(Exec const& exec, InRows<float> observation, In<float> first,
                       ActionDraw const& how) {
  RssmShape const& r = shape_.world.rssm;
  OutRows<float> const state(feature_.data(), rows_, r.feature()),
      h = h_of(r, state), z = z_of(r, state), before_h(before_h_.data(), rows_, r.deter),
      before_z(before_z_.data(), rows_, r.stochastic()),
      before_a(before_a_.data(), rows_, r.actions), action(action_.data(), rows_, r.actions),
      squashed(squashed_.data(), rows_, shape_.world.observation);
  visit(exec, [&](auto e) {
    if (shape_.world.squash) symlog(e, {observation.data, squashed_.size()}, squashed_.out());
    carry(e, first, h, before_h);
    carry(e, first, z, before_z);
    carry_action(e, first, action, before_a);
  });
  if (!shape_.world.squash)
    copy(exec, In<float>(observation.data, squashed_.size()), squashed_.out());
  InRows<float> const tokens = encoder_.forward(exec, 0, {squashed});
  recurrence_->forward(exec, 0, before_h, before_z, before_a, h);
  latents_.sample(exec, posterior_.forward(exec, 0, {h, tokens}), {seed_, stream_.in(), acts_.in()},
                  z);
  draw_action(exec, shape_, actor_.forward(exec, 0, {feature()}), how,
              {seed_, action_stream_.in(), acts_.in()}, action, index_.out());
  visit(exec, [&](auto e) { advance(e, acts_.out()); });
}

void LatentPolicy::hand_over(Exec const& exec, VectorEnv& env) {
  ActionSpace const& space = env.spec().actions;
  EnvMemory const& m = env.memory();
  visit(exec, [&](auto e) {
    if (space.discrete) {
      tiles_from_rows<std::int32_t>(
          e, index(), 0, space.size - 1,
          {reinterpret_cast<std::int32_t*>(m.action.data), m.action.fields});
    } else {
      float const half = 0.5F * (space.high - space.low);
      affine(e, half, space.low + half, action_.in(), scaled_.out());
      actions_from_rows(e, {scaled_.data(), rows_, shape_.world.rssm.actions}, space, m.action);
    }
  });
}

void LatentPolicy::set_acts(std::uint32_t acts) {
  upload<std::uint32_t>(acts_.exec(), std::vector<std::uint32_t>{acts}, acts_.out());
}

}  // namespace loom
