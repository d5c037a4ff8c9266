#pragma once
// The gates of a gated recurrent unit: what follows its dense layers.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// Dreamer's unit, from one row of sums a:
///   r = sigmoid(a_r), c = tanh(r a_c), u = sigmoid(a_u + update_bias), next = u c + (1 - u) state.
/// The sums of each of `blocks` equal groups of units stand together: [block][r, c, u][units / blocks].
/// Version 2 has one block, version 3 has eight, both the bias -1.
///
/// Shapes   sums: (B, 3 units), state, next: (B, units), any stride; next may be state's memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit or units is no multiple of blocks.
/// Source   Hafner et al. 2021, "Mastering Atari with discrete world models"; 2023, "Mastering diverse
///          domains through world models" (block-diagonal).
struct GruShape {
  int blocks = 1;
  float update_bias = -1.F;
};
void gru(Cpu exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
         OutRows<float> next);
void gru(Gpu exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
         OutRows<float> next);

/// Gradients of sum(next * dnext): all of dsums, and of dstate what does not pass through the sums.
///
/// Shapes   as gru; dsums may be sums' memory, dstate may be dnext's.
void gru_backward(Cpu exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
                  InRows<float> dnext, OutRows<float> dsums, OutRows<float> dstate);
void gru_backward(Gpu exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
                  InRows<float> dnext, OutRows<float> dsums, OutRows<float> dstate);

/// Cho's unit with the reset gate after the product, as Keras and PyTorch have it (Dreamer v1), from the
/// sums of the input's layer a and of the state's layer s:
///   r = sigmoid(a_r + s_r), u = sigmoid(a_u + s_u), c = tanh(a_c + r s_c), next = u state + (1 - u) c.
///
/// Shapes   input_sums, state_sums: (B, 3 units), [r, u, c] as PyTorch's GRUCell; state, next:
///          (B, units); next may be state's memory.
/// Source   Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder".
void gru_reset_after(Cpu exec, InRows<float> input_sums, InRows<float> state_sums,
                     InRows<float> state, OutRows<float> next);
void gru_reset_after(Gpu exec, InRows<float> input_sums, InRows<float> state_sums,
                     InRows<float> state, OutRows<float> next);

/// Gradients of sum(next * dnext), as gru_backward's.
///
/// Shapes   as gru_reset_after; dinput_sums and dstate_sums may be the sums' memory, dstate dnext's.
void gru_reset_after_backward(Cpu exec, InRows<float> input_sums, InRows<float> state_sums,
                              InRows<float> state, InRows<float> dnext, OutRows<float> dinput_sums,
                              OutRows<float> dstate_sums, OutRows<float> dstate);
void gru_reset_after_backward(Gpu exec, InRows<float> input_sums, InRows<float> state_sums,
                              InRows<float> state, InRows<float> dnext, OutRows<float> dinput_sums,
                              OutRows<float> dstate_sums, OutRows<float> dstate);

}  // namespace loom
