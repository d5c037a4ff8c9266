#include <kernels/core/error.hpp>
#include <kernels/dream/observe_body.hpp>

namespace loom {

bool observe_room(Here exec, ObserveShape const& shape) {
  return rssm_room(exec, shape, shape.layers(), shape.latents.statistics());
}

void dream_observe(Here exec, ObserveView const& model, ObserveInput const& in,
                   ObserveOutput const& output) {
  char const* const who = "dream_observe";
  ObserveShape const& s = model.shape;
  int const n = in.start.rows, rows = in.action.rows, steps = n > 0 ? rows / n : 0;
  require(rows == steps * n && in.token_sums.rows == rows && output.feature.rows == rows, who,
          ": start ", n, ", action ", rows, ", token_sums ", in.token_sums.rows, ", feature ",
          output.feature.rows, " rows (needs one number of steps)");
  require(in.start.cols == s.feature() && in.action.cols == s.actions &&
              in.token_sums.cols == s.units && output.feature.cols == s.feature(),
          who, ": start ", in.start.cols, ", action ", in.action.cols, ", token_sums ",
          in.token_sums.cols, ", feature ", output.feature.cols, " columns (needs ", s.feature(),
          ", ", s.actions, ", ", s.units, ", ", s.feature(), ")");
  check_size(who, "first", in.first.size, rows);
  check_size(who, "streams", in.draws.stream.size, rows);
  check_size(who, "tick", in.draws.tick.size, 1);
  ObserveArguments const all{{s, model.stack.keeping(output.kept)}, in, output.feature, n, steps};
  JointNeeds const needs = rssm_needs(s, s.latents.statistics(), model.stack.tape);
  with_core(s.core, [&](auto core) {
    launch_joint<kRssmRows>(exec, n, needs, DreamObserve<decltype(core)::value>{all});
  });
}

}  // namespace loom
