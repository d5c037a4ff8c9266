#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/dream/carry.hpp>
#include <kernels/dream/carry_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

template <class Body>
void each(Here exec, char const* who, In<float> first, InRows<float> from, OutRows<float> to,
          Body const& body) {
  require(from.rows == to.rows && from.cols == to.cols, who, ": ", from.rows, " x ", from.cols,
          " into ", to.rows, " x ", to.cols, " (needs the same)");
  require(static_cast<int>(first.size) == from.rows, who, ": ", first.size, " flags for ",
          from.rows, " rows");
  EachElement const elements(body, from.rows, from.cols, false);
  launch(exec, elements.lanes(), elements);
}

}  // namespace

void carry(Here exec, In<float> first, InRows<float> from, OutRows<float> to) {
  each(exec, "carry", first, from, to, Carry{first, from, to});
}

void carry_backward(Here exec, In<float> first, InRows<float> dto, OutRows<float> dfrom) {
  each(exec, "carry_backward", first, dto, dfrom, CarryBackward{first, dto, dfrom});
}

void carry_action(Here exec, In<float> first, InRows<float> from, OutRows<float> to) {
  each(exec, "carry_action", first, from, to, CarryAction{first, from, to});
}

void carry_action_backward(Here exec, In<float> first, InRows<float> from, InRows<float> dto,
                           OutRows<float> dfrom) {
  char const* const who = "carry_action_backward";
  check_rows(who, from, dto);
  each(exec, who, first, dto, dfrom, CarryActionBackward{first, from, dto, dfrom});
}

}  // namespace loom
