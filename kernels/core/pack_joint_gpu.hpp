#pragma once
// Brings joint layers into the GPU's order. nvcc only.
#include <kernels/core/joint_layer.hpp>
#include <kernels/core/launch.hpp>

namespace loom {

/// One 32-bit word of packed weights, or one number of a vector, a lane.
struct PackJointBody {
  PackJoint plan;
  int words_of[2 * JointStack::kMaxLayers];  // per layer: weights, vectors

  HD static float weight(JointSource const& from, JointLayer const& layer, int unit, int gate,
                         int k_step, int k) {
    int const part = layer.inputs[0] / layer.blocks, first = dense_layout::k_steps(part);
    bool const second = k_step >= first;
    int const column = (second ? (k_step - first) * 32 : k_step * 32) + k;
    if (unit >= layer.outputs || column >= (second ? layer.inputs[1] : part)) return 0.F;
    return from.weight[static_cast<std::ptrdiff_t>(layer.row(unit, gate)) * from.row_stride(layer) +
                       column + (second ? part : 0)];
  }
  HD void vector(JointLayer const& layer, JointSource const& from, int i) const {
    int const stride = layer.vector_columns(), columns = joint_layout::columns(layer);
    int const kind = i / stride, gate = i % stride / columns, unit = i % columns;
    float const* const p = kind == 0 ? from.bias : kind == 1 ? from.gain : from.shift;
    layer.vectors[i] = p != nullptr && unit < layer.outputs ? p[layer.row(unit, gate)]
                       : kind == 1                          ? 1.F
                                                            : 0.F;
  }

  HD void operator()(Lane<float> lane) const {
    int i = lane.index, l = 0;
    while (i >= words_of[l]) i -= words_of[l++];
    JointLayer const& layer = plan.stack.layers[l / 2];
    JointSource const& from = plan.source[l / 2];
    if (l % 2 == 1) return vector(layer, from, i);
    int const part = i % 128, units = joint_layout::gpu_units(layer);
    int const warp = i / 128 / units, unit = i / 128 % units;
    int const of_pass = joint_layout::pass_units(layer), tiles = joint_layout::tiles(layer);
    int const pass = unit / of_pass, k_step = unit % of_pass / tiles, tile = unit % tiles;
    bool const gated = layer.gates > 1;
    int const n8 = gated ? warp * joint_layout::passes(layer) + pass : warp * tiles + tile;
    int const n = n8 * 8 + part / 16, k = part / 4 % 4 * 2 + part % 4 * 8, gate = gated ? tile : 0;
    auto* const to = reinterpret_cast<std::uint32_t*>(
        layer.weights + static_cast<std::ptrdiff_t>(warp) * plan.stack.tape.bytes +
        (static_cast<std::ptrdiff_t>(pass) * layer.stride + unit % of_pass) * dense_layout::kUnit);
    to[part] = dense_layout::to_bf16(weight(from, layer, n, gate, k_step, k)) |
               dense_layout::to_bf16(weight(from, layer, n, gate, k_step, k + 1)) << 16;
  }
};

inline void pack_joint(Gpu exec, PackJoint const& plan) {
  PackJointBody body{plan, {}};
  int words = 0;
  for (int l = 0; l < plan.stack.depth; ++l) {
    JointLayer const& layer = plan.stack.layers[l];
    body.words_of[2 * l] = (joint_layout::narrow(layer) ? 1 : 8) * joint_layout::gpu_units(layer) *
                           dense_layout::kUnit / 4;
    body.words_of[2 * l + 1] = 3 * layer.vector_columns();
    words += body.words_of[2 * l] + body.words_of[2 * l + 1];
  }
  launch(exec, words, body);
}

}  // namespace loom
