#include <cmath>
#include <kernels/core/error.hpp>
#include <kernels/dream/rollout.hpp>

namespace loom {

std::vector<JointShape> DreamShape::layers() const {
  RssmLayers layers;
  layers.add_tower(*this, deter, stochastic(), actor_layers, policy.outputs(actions));
  layers.add_recurrence(*this);
  layers.add_tower(*this, deter, 0, prior_layers, latents.statistics());
  return layers.all;
}

void DreamShape::check() const {
  RssmSizes::check("dream_rollout");
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

namespace {

/// The layers of a shape that the kernel takes.
std::vector<JointShape> taken(Exec const& exec, DreamShape const& shape) {
  shape.check();
  require<ConfigError>(dream_fits(exec, shape), "dream_rollout: deter ", shape.deter, ", units ",
                       shape.units, " do not fit this machine's kernel");
  return shape.layers();
}

}  // namespace

PackedDream::PackedDream(Exec const& exec, DreamShape const& shape)
    : layers_(exec, taken(exec, shape)),
      view_{shape, layers_.stack(),
            static_cast<float>(
                std::log(std::expm1(static_cast<double>(shape.policy.tanh.initial))))} {}

}  // namespace loom
