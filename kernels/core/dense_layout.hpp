#pragma once
// Where the weights of a stack of dense layers lie in each machine's order. Plain arithmetic, both
// machines.
//
// CPU: panels of kPanel columns, [k][column] inside one, fp32. GPU: bf16 units of k32 x n8 in the
// fragment order of mma.m16n8k16 (512 bytes; lane l owns n = l / 4, k = 2 (l % 4) + {0,1, 8,9,
// 16,17, 24,25}). A wide layer is spread over the warps and lies on a tape, each warp's units in
// the order in which it uses them; a narrow one (<= 32 outputs) is read in place.
#include <kernels/core/view.hpp>

namespace loom {

/// y = W x + b. `weights` lie in the machine's order; bodies read `inputs` and `outputs` only.
struct DenseLayer {
  std::byte* weights = nullptr;
  float* bias = nullptr;  ///< padded with zeros
  int inputs = 0, outputs = 0;
};

/// The wide layers of one stack in order of use: on the GPU eight sections of `bytes`, one a warp.
struct TapeSegment {
  std::byte const* begin = nullptr;
  int bytes = 0;
};

/// What a block kernel's weights are, in the order of its dense() calls; begun again when it ends.
struct Tape {
  static constexpr int kMaxSegments = 6;
  TapeSegment segments[kMaxSegments];
  int count = 0;

  Tape() = default;
  template <class... Segments>
  requires(sizeof...(Segments) > 0 && sizeof...(Segments) <= kMaxSegments)
      Tape(Segments const&... all) {
    (add(all), ...);
  }
  void add(TapeSegment segment) {
    if (segment.bytes > 0) segments[count++] = segment;
  }
};

/// Several dense layers, one's outputs being the next one's inputs.
struct DenseStack {
  static constexpr int kMaxDepth = 8;
  DenseLayer layers[kMaxDepth];
  int depth = 0;
  int width = 0;  ///< most columns of any of its tiles (its last outputs are none)
  TapeSegment tape;
};

namespace dense_layout {

inline constexpr int kPanel = 6;       // columns of a CPU panel
inline constexpr int kMaxWidth = 256;  // columns that one pass of eight warps can hold
inline constexpr int kUnit = 512;      // bytes of a GPU unit

/// The nearest bf16, even where two are.
HD std::uint32_t to_bf16(float v) {
  auto const u = __builtin_bit_cast(std::uint32_t, v);
  return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
HD constexpr bool narrow(int outputs) { return outputs <= 32; }
HD constexpr int per_warp(int outputs) {
  return (outputs + 63) / 64;
}  // n8 tiles a warp of a wide layer
HD constexpr int k_steps(int inputs) { return (inputs + 31) / 32; }
HD constexpr int padded(int width) { return narrow(width) ? 32 : per_warp(width) * 64; }
HD constexpr int gpu_units(int inputs, int outputs) {  // of a wide layer: for one warp
  return k_steps(inputs) * (narrow(outputs) ? 4 : per_warp(outputs));
}

/// Lays out layers of sizes[0] -> sizes[1] -> ... from `base` on; returns the view and the bytes it
/// needs. A null base only measures.
struct Placed {
  DenseStack stack;
  std::size_t bytes;
};
inline Placed place(bool on_cpu, int const* sizes, int depth, std::byte* base) {
  Placed r{{}, 0};
  r.stack.depth = depth;
  std::size_t at = 0;
  auto const here = [&] { return base == nullptr ? nullptr : base + at; };
  auto const layer_bytes = [&](int inputs, int outputs) {
    return on_cpu ? static_cast<std::size_t>(inputs) * outputs * sizeof(float)
                  : static_cast<std::size_t>(gpu_units(inputs, outputs)) * kUnit;
  };
  auto const pass = [&](bool is_narrow) {
    for (int l = 0; l < depth; ++l) {
      DenseLayer& layer = r.stack.layers[l];
      layer.inputs = sizes[l];
      layer.outputs = sizes[l + 1];
      if (narrow(layer.outputs) != is_narrow) continue;
      layer.weights = here();
      at += layer_bytes(layer.inputs, layer.outputs);
    }
  };
  pass(false);
  r.stack.tape = {base, static_cast<int>(at)};
  if (!on_cpu) at *= 8;
  pass(true);
  for (int l = 0; l < depth; ++l) {
    at = (at + 255) / 256 * 256;
    r.stack.layers[l].bias = reinterpret_cast<float*>(here());
    at += sizeof(float) * static_cast<std::size_t>(padded(sizes[l + 1]));
    r.stack.width = r.stack.width < sizes[l] ? sizes[l] : r.stack.width;
  }
  r.bytes = at;
  return r;
}

}  // namespace dense_layout
}  // namespace loom
