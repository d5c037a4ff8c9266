#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/deviation.hpp>
#include <kernels/nn/deviation_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

constexpr int kDeviationGrain = 512;

template <class Body>
void each(Here exec, char const* who, Body const& body, InRows<float> from, InRows<float> to) {
  require(body.least >= 0, who, ": least deviation ", body.least, " (needs 0 or more)");
  check_rows(who, from, to);
  EachElement const elements(body, from.rows, from.cols, false);
  launch(exec, elements.lanes(), elements, kDeviationGrain);
}

}  // namespace

void deviation(Here exec, float least, InRows<float> raw, OutRows<float> log_std) {
  each(exec, "deviation", Deviation{least, raw, log_std}, raw, log_std);
}

void deviation_backward(Here exec, float least, InRows<float> raw, InRows<float> dlog_std,
                        OutRows<float> draw) {
  char const* const who = "deviation_backward";
  check_rows(who, raw, dlog_std);
  each(exec, who, DeviationBackward{least, raw, dlog_std, draw}, raw, draw);
}

}  // namespace loom
