#include <kernels/core/error.hpp>
#include <kernels/dream/rollout.hpp>
#include <kernels/dream/rssm.hpp>

namespace loom {

void RssmSizes::check(char const* who) const {
  require<ConfigError>(deter > 0 && units > 0 && actions > 0 && stochastic() > 0 && blocks > 0, who,
                       ": a size of 0 (deter ", deter, ", units ", units, ", actions ", actions,
                       ", stochastic ", stochastic(), ", blocks ", blocks, ")");
  require<ConfigError>(core != RssmCore::block || deter % blocks == 0, who, ": deter ", deter,
                       " in ", blocks, " blocks (needs a multiple)");
}

void RssmLayers::add(int x0, int x1, int outputs, int gates, int blocks) {
  all.push_back({{x0, x1}, outputs, gates, blocks});
}

void RssmLayers::add_tower(RssmSizes const& sizes, int x0, int x1, int depth, int outputs) {
  for (int l = 0; l < depth; ++l) add(l == 0 ? x0 : sizes.units, l == 0 ? x1 : 0, sizes.units);
  add(sizes.units, 0, outputs);
}

void RssmLayers::add_recurrence(RssmSizes const& sizes) {
  int const deter = sizes.deter, units = sizes.units, z = sizes.stochastic();
  switch (sizes.core) {
    case RssmCore::reset_after:
      add(z, sizes.actions, units);
      add(units, 0, deter, 3);
      add(deter, 0, deter, 3);
      all.back().joins = true;
      break;
    case RssmCore::layer_norm:
      add(z, sizes.actions, units);
      add(units, deter, 3 * deter);
      break;
    case RssmCore::block:
      add(deter, 0, units);
      add(z, 0, units);
      add(sizes.actions, 0, units);
      add(deter, 3 * units, deter, 1, sizes.blocks);
      add(deter, 0, deter, 3, sizes.blocks);
      break;
  }
}

PackedLayers::PackedLayers(Exec const& exec, std::vector<JointShape> const& layers) {
  int const count = static_cast<int>(layers.size());
  bool const cpu = on_cpu(exec);
  memory_ = Buffer<std::byte>(exec, joint_layout::place(cpu, layers.data(), count, nullptr).bytes);
  stack_ = joint_layout::place(cpu, layers.data(), count, memory_.data()).stack;
}

void PackedLayers::pack(Exec const& exec, std::vector<JointSource> const& layers) {
  require(static_cast<int>(layers.size()) == stack_.depth, "pack: ", layers.size(),
          " layers (needs ", stack_.depth, ")");
  PackJoint plan{stack_, {}};
  for (std::size_t l = 0; l < layers.size(); ++l) plan.source[l] = layers[l];
  visit(exec, [&](auto e) { dream_pack(e, plan); });
}

}  // namespace loom
