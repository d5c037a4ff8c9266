#include <kernels/core/error.hpp>
#include <kernels/dream/rollout_body.hpp>

namespace loom {
void dream_pack(Here exec, PackJoint const& plan) { pack_joint(exec, plan); }

bool dream_room(Here exec, DreamShape const& shape) {
  return rssm_room(exec, shape, shape.layers(), dream_values(shape));
}

void dream_rollout(Here exec, DreamView const& model, InRows<float> start, RowDraws const& draws,
                   DreamOutput const& output) {
  char const* const who = "dream_rollout";
  DreamShape const& s = model.shape;
  int const n = start.rows, horizon = n > 0 ? output.action.rows / n : 0;
  require(start.cols == s.feature() && output.feature.cols == s.feature() &&
              output.feature.rows == (horizon + 1) * n && output.action.rows == horizon * n &&
              output.action.cols == s.actions,
          who, ": start ", start.rows, " x ", start.cols, ", feature ", output.feature.rows, " x ",
          output.feature.cols, ", action ", output.action.rows, " x ", output.action.cols,
          " (needs features of ", s.feature(), " and actions of ", s.actions, " columns)");
  check_size(who, "streams", draws.stream.size, std::int64_t{2} * horizon * n);
  check_size(who, "tick", draws.tick.size, 1);
  bool const indexed = output.index.size != 0;
  if (indexed) check_size(who, "index", output.index.size, std::int64_t{horizon} * n);
  DreamArguments const all{{s, model.stack.keeping(output.kept), model.tanh_shift},
                           start,
                           draws,
                           output.feature,
                           output.action,
                           indexed ? output.index.data : nullptr,
                           n,
                           horizon};
  JointNeeds const needs = rssm_needs(s, dream_values(s), model.stack.tape);
  with_core(s.core, [&](auto core) {
    launch_joint<kRssmRows>(exec, n, needs, DreamRollout<decltype(core)::value>{all});
  });
}

}  // namespace loom
