#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/dream/rollout.hpp>

namespace loom {

std::vector<JointShape> DreamShape::layers() const {
  std::vector<JointShape> all;
  auto const layer = [&](int x0, int x1, int outputs, int gates = 1, int parts = 1) {
    all.push_back({{x0, x1}, outputs, gates, parts});
  };
  auto const tower = [&](int x0, int x1, int depth, int outputs) {
    for (int l = 0; l < depth; ++l) layer(l == 0 ? x0 : units, l == 0 ? x1 : 0, units);
    layer(units, 0, outputs);
  };
  int const z = stochastic();
  tower(deter, z, actor_layers, policy.outputs(actions));
  switch (core) {
    case RssmCore::reset_after:
      layer(z, actions, units);
      layer(units, 0, deter, 3);
      layer(deter, 0, deter, 3);
      all.back().joins = true;
      break;
    case RssmCore::layer_norm:
      layer(z, actions, units);
      layer(units, deter, 3 * deter);
      break;
    case RssmCore::block:
      layer(deter, 0, units);
      layer(z, 0, units);
      layer(actions, 0, units);
      layer(deter, 3 * units, deter, 1, blocks);
      layer(deter, 0, deter, 3, blocks);
      break;
  }
  tower(deter, 0, prior_layers, latents.statistics());
  return all;
}

void DreamShape::check() const {
  require<ConfigError>(deter > 0 && units > 0 && actions > 0 && stochastic() > 0 && blocks > 0,
                       "dream_rollout: a size of 0 (deter ", deter, ", units ", units, ", actions ",
                       actions, ", stochastic ", stochastic(), ", blocks ", blocks, ")");
  require<ConfigError>(core != RssmCore::block || deter % blocks == 0, "dream_rollout: deter ",
                       deter, " in ", blocks, " blocks (needs a multiple)");
  require<ConfigError>(actor_layers > 0 && prior_layers > 0,
                       "dream_rollout: an actor or a prior without hidden layers");
  std::size_t const depth = layers().size();
  require<ConfigError>(depth <= JointStack::kMaxLayers, "dream_rollout: ", depth,
                       " layers (at most ", JointStack::kMaxLayers, ")");
}

bool dream_fits(Exec const& exec, DreamShape const& shape) {
  return shape.actor_layers > 0 && shape.prior_layers > 0 &&
         shape.layers().size() <= JointStack::kMaxLayers &&
         visit(exec, [&](auto e) { return dream_room(e, shape); });
}

PackedDream::PackedDream(Exec const& exec, DreamShape const& shape) {
  shape.check();
  require<ConfigError>(dream_fits(exec, shape), "dream_rollout: deter ", shape.deter, ", units ",
                       shape.units, " do not fit this machine's kernel");
  auto const layers = shape.layers();
  int const count = static_cast<int>(layers.size());
  bool const cpu = on_cpu(exec);
  memory_ = Buffer<std::byte>(exec, joint_layout::place(cpu, layers.data(), count, nullptr).bytes);
  view_.shape = shape;
  view_.stack = joint_layout::place(cpu, layers.data(), count, memory_.data()).stack;
  view_.tanh_shift =
      static_cast<float>(std::log(std::expm1(static_cast<double>(shape.policy.tanh.initial))));
}

void PackedDream::pack(Exec const& exec, std::vector<JointSource> const& layers) {
  require(static_cast<int>(layers.size()) == view_.stack.depth, "dream_rollout: ", layers.size(),
          " layers (needs ", view_.stack.depth, ")");
  PackJoint plan{view_.stack, {}};
  for (std::size_t l = 0; l < layers.size(); ++l) plan.source[l] = layers[l];
  visit(exec, [&](auto e) { dream_pack(e, plan); });
}

}  // namespace loom
