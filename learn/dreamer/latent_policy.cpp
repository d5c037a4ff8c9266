#include <kernels/dream/carry.hpp>
#include <kernels/linalg/gemm.hpp>
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

/// What turns a model's action into the environment's, times and plus: a one-hot row into its index, numbers from
/// [-1, 1] to the space.
std::vector<float> scale_of(ActionSpace const& space) {
  auto const n = static_cast<std::size_t>(space.size);
  std::vector<float> m(space.discrete ? n : n * n, 0.F);
  for (std::size_t i = 0; i < n; ++i)
    m[space.discrete ? i : i * (n + 1)] =
        space.discrete ? static_cast<float>(i) : 0.5F * (space.high - space.low);
  return m;
}
std::vector<float> shift_of(ActionSpace const& space) {
  return std::vector<float>(static_cast<std::size_t>(space.fields()),
                            space.discrete ? 0.F : 0.5F * (space.high + space.low));
}

/// Streams of actions, beyond those of any instance.
constexpr std::uint32_t kActions = 0x80000000U;

}  // namespace

LatentPolicy::LatentPolicy(Exec const& exec, BehaviourShape const& shape, ActionSpace const& space,
                           int rows, std::uint64_t seed, Parameters& world, Parameters& actor)
    : shape_(shape),
      space_(space),
      rows_(rows),
      seed_(seed),
      encoder_(exec, shape.world, rows, world, false),
      recurrence_(make_recurrence(exec, shape.world.rssm, rows, 1, world, "recurrence", false)),
      latents_(exec, shape.world.rssm.latents, rows),
      posterior_(exec, shape.world.rssm.posterior(), rows, 1, world, "posterior", false),
      actor_(exec, shape.actor_stack(), rows, 1, actor, "actor", false),
      feature_(zeros<float>(exec, elements(rows, shape.world.rssm.feature()))),
      before_h_(exec, elements(rows, shape.world.rssm.deter)),
      before_z_(exec, elements(rows, shape.world.rssm.stochastic())),
      before_a_(exec, elements(rows, shape.world.rssm.actions)),
      action_(zeros<float>(exec, elements(rows, shape.world.rssm.actions))),
      given_(exec, elements(rows, space.fields())),
      scale_(uploaded(exec, scale_of(space))),
      shift_(uploaded(exec, shift_of(space))),
      index_(exec, elements(rows, 1)),
      stream_(uploaded(exec, count_up(rows, 0))),
      action_stream_(uploaded(exec, count_up(rows, kActions))),
      acts_(zeros<std::uint32_t>(exec, 1)) {}

void LatentPolicy::act(Exec const& exec, Observation const& observation, In<float> first,
                       ActionDraw const& how) {
  RssmShape const& r = shape_.world.rssm;
  OutRows<float> const state(feature_.data(), rows_, r.feature()),
      h = h_of(r, state), z = z_of(r, state), before_h(before_h_.data(), rows_, r.deter),
      before_z(before_z_.data(), rows_, r.stochastic()),
      before_a(before_a_.data(), rows_, r.actions), action(action_.data(), rows_, r.actions);
  visit(exec, [&](auto e) {
    carry(e, first, h, before_h);
    carry(e, first, z, before_z);
    carry_action(e, first, action, before_a);
  });
  InRows<float> const tokens = encoder_.forward(exec, observation);
  recurrence_->forward(exec, 0, before_h, before_z, before_a, h);
  latents_.sample(exec, posterior_.forward(exec, 0, {h, tokens}), {seed_, stream_.in(), acts_.in()},
                  z);
  draw_action(exec, shape_, actor_.forward(exec, 0, {feature()}), how,
              {seed_, action_stream_.in(), acts_.in()}, action, index_.out());
  visit(exec, [&](auto e) { advance(e, acts_.out()); });
}

void LatentPolicy::actions(Exec const& exec, OutRows<float> to) const {
  InRows<float> const scale(scale_.data(), shape_.world.rssm.actions, space_.fields());
  visit(exec, [&](auto e) { gemm(e, action(), scale, to, {.bias = shift_.in()}); });
}

void LatentPolicy::hand_over(Exec const& exec, VectorEnv& env) {
  OutRows<float> const rows(given_.data(), rows_, space_.fields());
  actions(exec, rows);
  visit(exec, [&](auto e) { actions_from_rows(e, rows, space_, env.memory().action); });
}

void LatentPolicy::set_acts(std::uint32_t acts) {
  upload<std::uint32_t>(acts_.exec(), std::vector<std::uint32_t>{acts}, acts_.out());
}

}  // namespace loom
