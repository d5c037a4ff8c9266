#pragma once
// Layers of a state that a block kernel keeps on chip for many steps: their inputs are pieces of several
// tiles, they may be block-diagonal, and the three gates of a unit may meet in one epilogue.
#include <kernels/core/dense_layout.hpp>

namespace loom {

/// y = W [x0 x1] + b. With `blocks` > 1, part g of the outputs sees part g of x0 and all of x1. With gates = 3
/// there are three sums a unit, which follow each other within a block: [block][gate][unit].
struct JointShape {
  int inputs[2] = {1, 0};  ///< columns of x0 (of all blocks) and of x1; 0: no x1
  int outputs = 1;         ///< units
  int gates = 1;
  int blocks = 1;
  bool joins = false;  ///< its gates meet those of the layer before in one epilogue

  /// Inputs that one output sees: columns of W.
  HD constexpr int width() const { return inputs[0] / blocks + inputs[1]; }
  HD constexpr int sums() const { return outputs * gates; }
  /// Row of W of a unit's gate.
  HD constexpr int row(int unit, int gate) const {
    int const units = outputs / blocks, block = unit / units;
    return (block * gates + gate) * units + unit - block * units;
  }
};

namespace joint_layout {

HD constexpr bool narrow(JointShape const& s) {
  return s.gates == 1 && s.blocks == 1 && dense_layout::narrow(s.outputs);
}
/// n8 tiles of units a warp of a wide layer: powers of two unless gates are taken one tile after the other.
HD constexpr int per_warp(JointShape const& s) {
  int const tiles = dense_layout::per_warp(s.outputs);
  if (s.gates > 1) return tiles;
  int power = 1;
  while (power < tiles) power *= 2;
  return power;
}
HD constexpr int columns(JointShape const& s) { return narrow(s) ? 32 : per_warp(s) * 64; }
HD constexpr int k_steps(JointShape const& s) {
  return dense_layout::k_steps(s.inputs[0] / s.blocks) + dense_layout::k_steps(s.inputs[1]);
}
/// Tiles that a warp multiplies in one pass over its inputs, and its passes.
HD constexpr int tiles(JointShape const& s) {
  return narrow(s) ? 4 : s.gates > 1 ? s.gates : per_warp(s);
}
HD constexpr int passes(JointShape const& s) { return s.gates > 1 ? per_warp(s) : 1; }
/// GPU units of one pass, and of a layer, for one warp; of a narrow one, in all.
HD constexpr int pass_units(JointShape const& s) { return k_steps(s) * tiles(s); }
HD constexpr int gpu_units(JointShape const& s) { return pass_units(s) * passes(s); }

}  // namespace joint_layout

/// Where a body leaves what the layer's way back needs, rows of all steps one after the other; null: nowhere.
struct KeptLayer {
  float* output = nullptr;      ///< (rows, sums): what it hands on, or the sums of a layer of gates
  int stride = 0;               ///< of the rows of output
  float* sums = nullptr;        ///< (rows, sums): W x + b, which the norm gets
  float* inner = nullptr;       ///< (rows, sums): what the activation gets
  float* statistics = nullptr;  ///< (rows, 2): of the norm: centre, 1 / deviation
};

/// A layer in the machine's order. Vectors: bias, gain and shift, each as many as vector_columns().
struct JointLayer : JointShape {
  std::byte* weights = nullptr;
  float* vectors = nullptr;
  int stride = 0;  ///< GPU units from one pass to the next
  KeptLayer keep;

  HD constexpr int vector_columns() const { return joint_layout::columns(*this) * gates; }
  HD float const* bias() const { return vectors; }
  HD float const* gain() const { return vectors + vector_columns(); }
  HD float const* shift() const { return vectors + 2 * vector_columns(); }
};

/// Where a layer's parameters come from: W (sums, width) row-major, and vectors of as many numbers as sums;
/// gain and shift may be null (1 and 0).
struct JointSource {
  float const *weight = nullptr, *bias = nullptr, *gain = nullptr, *shift = nullptr;
  int stride = 0;  ///< of the rows of W; 0: width

  HD constexpr int row_stride(JointShape const& s) const { return stride > 0 ? stride : s.width(); }
};

/// Layers in the order in which every step uses them.
struct JointStack {
  static constexpr int kMaxLayers = 24;
  JointLayer layers[kMaxLayers];
  int depth = 0;
  TapeSegment tape;

  /// The same layers, whose activations are left in kept[0] to kept[depth - 1]; null: nowhere.
  JointStack keeping(KeptLayer const* kept) const {
    JointStack all = *this;
    for (int l = 0; kept != nullptr && l < depth; ++l) all.layers[l].keep = kept[l];
    return all;
  }
};

namespace joint_layout {

struct Placed {
  JointStack stack;
  std::size_t bytes;
};
/// Lays out `count` layers from `base` on; a null base only measures.
inline Placed place(bool on_cpu, JointShape const* shapes, int count, std::byte* base) {
  Placed r{{}, 0};
  r.stack.depth = count;
  std::size_t at = 0;
  auto const here = [&] { return base == nullptr ? nullptr : base + at; };
  auto const pass = [&](bool is_narrow) {
    for (int l = 0; l < count; ++l) {
      static_cast<JointShape&>(r.stack.layers[l]) = shapes[l];
      JointLayer& layer = r.stack.layers[l];
      if (narrow(layer) != is_narrow) continue;
      layer.stride = pass_units(layer);
      layer.weights = here();
      at += on_cpu ? elements(layer.sums(), layer.width()) * sizeof(float)
                   : static_cast<std::size_t>(gpu_units(layer)) * dense_layout::kUnit;
      if (on_cpu || !layer.joins) continue;
      // Its passes alternate with those of the layer before.
      JointLayer& first = r.stack.layers[l - 1];
      if (base != nullptr)
        layer.weights =
            first.weights + static_cast<std::size_t>(first.stride) * dense_layout::kUnit;
      first.stride += layer.stride;
      layer.stride = first.stride;
    }
  };
  pass(false);
  r.stack.tape = {base, static_cast<int>(at)};
  if (!on_cpu) at *= 8;
  pass(true);
  at = (at + 255) / 256 * 256;
  for (int l = 0; l < count; ++l) {
    JointLayer& layer = r.stack.layers[l];
    layer.vectors = reinterpret_cast<float*>(here());
    at += elements(3, layer.vector_columns()) * sizeof(float);
  }
  r.bytes = at;
  return r;
}

}  // namespace joint_layout

/// Brings parameters into the machine's order: pack_joint(exec, plan). No allocation, nothing read by the host.
struct PackJoint {
  JointStack stack;
  JointSource source[JointStack::kMaxLayers];
};

}  // namespace loom
