#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/gru.hpp>
#include <kernels/nn/gru_body.hpp>

namespace loom {
namespace {

// Units of a thread at least: two sigmoids and a tanh each.
constexpr int kGruGrain = 512;

/// Throws unless `x` has state's rows and `times` its columns.
void fits(char const* who, char const* what, InRows<float> x, InRows<float> state, int times) {
  require(x.rows == state.rows && x.cols == times * state.cols, who, ": ", what, " is ", x.rows,
          " x ", x.cols, " (needs ", state.rows, " x ", times * state.cols, ")");
}

/// Units of a block.
int units_of(char const* who, GruShape const& shape, InRows<float> sums, InRows<float> state) {
  require(shape.blocks > 0 && state.cols % shape.blocks == 0, who, ": ", state.cols, " units in ",
          shape.blocks, " blocks (needs a multiple)");
  fits(who, "sums", sums, state, 3);
  return state.cols / shape.blocks;
}

template <class Body>
void each_unit(Here exec, Body const& body, int rows, int units) {
  EachElement const each(body, rows, units, false);
  launch(exec, each.lanes(), each, kGruGrain);
}

}  // namespace

void gru(Here exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
         OutRows<float> next) {
  char const* const who = "gru";
  int const units = units_of(who, shape, sums, state);
  fits(who, "next", next, state, 1);
  each_unit(exec, GruForward{sums, state, next, shape.blocks, units, shape.update_bias},
            state.rows * shape.blocks, units);
}

void gru_backward(Here exec, GruShape const& shape, InRows<float> sums, InRows<float> state,
                  InRows<float> dnext, OutRows<float> dsums, OutRows<float> dstate) {
  char const* const who = "gru_backward";
  int const units = units_of(who, shape, sums, state);
  fits(who, "dnext", dnext, state, 1);
  fits(who, "dsums", dsums, state, 3);
  fits(who, "dstate", dstate, state, 1);
  each_unit(exec,
            GruBackward{sums, state, dnext, dsums, dstate, shape.blocks, units, shape.update_bias},
            state.rows * shape.blocks, units);
}

void gru_reset_after(Here exec, InRows<float> input_sums, InRows<float> state_sums,
                     InRows<float> state, OutRows<float> next) {
  char const* const who = "gru_reset_after";
  fits(who, "input_sums", input_sums, state, 3);
  fits(who, "state_sums", state_sums, state, 3);
  fits(who, "next", next, state, 1);
  each_unit(exec, GruResetAfterForward{input_sums, state_sums, state, next, state.cols}, state.rows,
            state.cols);
}

void gru_reset_after_backward(Here exec, InRows<float> input_sums, InRows<float> state_sums,
                              InRows<float> state, InRows<float> dnext, OutRows<float> dinput_sums,
                              OutRows<float> dstate_sums, OutRows<float> dstate) {
  char const* const who = "gru_reset_after_backward";
  fits(who, "input_sums", input_sums, state, 3);
  fits(who, "state_sums", state_sums, state, 3);
  fits(who, "dnext", dnext, state, 1);
  fits(who, "dinput_sums", dinput_sums, state, 3);
  fits(who, "dstate_sums", dstate_sums, state, 3);
  fits(who, "dstate", dstate, state, 1);
  each_unit(exec,
            GruResetAfterBackward{input_sums, state_sums, state, dnext, dinput_sums, dstate_sums,
                                  dstate, state.cols},
            state.rows, state.cols);
}

}  // namespace loom
