#pragma once
// Brings the weights of a stack into the GPU's order. nvcc only.
#include <kernels/core/block.hpp>
#include <kernels/core/launch.hpp>

namespace loom {

/// One 32-bit word of packed weights, or one bias, a lane.
struct PackDenseBody {
  PackDense plan;
  int words_of[2 * DenseStack::kMaxDepth];  // per layer: weights, biases

  HD static float weight(DenseSource const& from, DenseLayer const& layer, int n, int k) {
    if (n >= layer.outputs || k >= layer.inputs) return 0.F;
    return from.weights[static_cast<std::ptrdiff_t>(n) * from.row +
                        static_cast<std::ptrdiff_t>(k) * from.column];
  }

  HD void operator()(Lane<float> lane) const {
    int i = lane.index, l = 0;
    while (i >= words_of[l]) i -= words_of[l++];
    DenseLayer const& layer = plan.stack.layers[l / 2];
    DenseSource const& from = plan.source[l / 2];
    if (l % 2 == 1) {
      layer.bias[i] = from.bias != nullptr && i < layer.outputs ? from.bias[i] : 0.F;
      return;
    }
    int const unit = i / 128, part = i % 128;
    int const tiles =
        dense_layout::narrow(layer.outputs) ? 4 : dense_layout::per_warp(layer.outputs);
    int const units = dense_layout::gpu_units(layer.inputs, layer.outputs);  // a warp's
    int const warp = unit / units, k_step = unit % units / tiles, tile = unit % tiles;
    int const n = (warp * tiles + tile) * 8 + part / 16;
    int const k = k_step * 32 + part / 4 % 4 * 2 + part % 4 * 8;
    auto* const to = reinterpret_cast<std::uint32_t*>(
        layer.weights + static_cast<std::ptrdiff_t>(warp) * plan.stack.tape.bytes);
    to[i - warp * units * 128] = dense_layout::to_bf16(weight(from, layer, n, k)) |
                                 dense_layout::to_bf16(weight(from, layer, n, k + 1)) << 16;
  }
};

inline void pack_dense(Gpu exec, PackDense const& plan) {
  PackDenseBody body{plan, {}};
  int words = 0;
  for (int l = 0; l < plan.stack.depth; ++l) {
    DenseLayer const& layer = plan.stack.layers[l];
    int const warps = dense_layout::narrow(layer.outputs) ? 1 : 8;
    body.words_of[2 * l] =
        warps * dense_layout::gpu_units(layer.inputs, layer.outputs) * dense_layout::kUnit / 4;
    body.words_of[2 * l + 1] = dense_layout::padded(layer.outputs);
    words += body.words_of[2 * l] + body.words_of[2 * l + 1];
  }
  launch(exec, words, body);
}

}  // namespace loom
