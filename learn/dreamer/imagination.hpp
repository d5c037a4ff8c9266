#pragma once
// Imagined trajectories by the fused kernel, where it has room for a model.
#include <kernels/dream/rollout.hpp>
#include <learn/dreamer/behaviour_shape.hpp>

namespace loom {

/// Sizes as the kernel wants them.
DreamShape dream_shape(BehaviourShape const& shape);

class Imagination {
 public:
  /// Why the kernel does not take such a model; empty if it does.
  static std::string refusal(Exec const& exec, BehaviourShape const& shape);
  /// Whether the shape asks for the kernel (BehaviourShape::fused) and is one that it takes.
  static bool serves(Exec const& exec, BehaviourShape const& shape) {
    return shape.fused && refusal(exec, shape).empty();
  }

  Imagination(Exec const& exec, BehaviourShape const& shape, Parameters& world, Parameters& actor);

  /// Brings the parameters as they are now into the kernel's order and imagines: kernels only.
  void run(Exec const& exec, InRows<float> start, RowDraws const& draws, DreamOutput const& output);

 private:
  std::vector<JointSource> sources_;
  PackedDream packed_;
};

}  // namespace loom
