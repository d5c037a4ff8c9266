#include <kernels/core/error.hpp>
#include <kernels/dream/observe.hpp>

namespace loom {

std::vector<JointShape> ObserveShape::layers() const {
  RssmLayers layers;
  layers.add_recurrence(*this);
  layers.add_tower(*this, deter, 0, posterior_layers, latents.statistics());
  return layers.all;
}

void ObserveShape::check() const {
  RssmSizes::check("dream_observe");
  require<ConfigError>(posterior_layers > 0, "dream_observe: a posterior without hidden layers");
  std::size_t const depth = layers().size();
  require<ConfigError>(depth <= JointStack::kMaxLayers, "dream_observe: ", depth,
                       " layers (at most ", JointStack::kMaxLayers, ")");
}

bool observe_fits(Exec const& exec, ObserveShape const& shape) {
  return shape.posterior_layers > 0 && shape.layers().size() <= JointStack::kMaxLayers &&
         visit(exec, [&](auto e) { return observe_room(e, shape); });
}

namespace {

/// The layers of a shape that the kernel takes.
std::vector<JointShape> taken(Exec const& exec, ObserveShape const& shape) {
  shape.check();
  require<ConfigError>(observe_fits(exec, shape), "dream_observe: deter ", shape.deter, ", units ",
                       shape.units, " do not fit this machine's kernel");
  return shape.layers();
}

}  // namespace

PackedObserve::PackedObserve(Exec const& exec, ObserveShape const& shape)
    : layers_(exec, taken(exec, shape)), view_{shape, layers_.stack()} {}

}  // namespace loom
