#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/log_deviation.hpp>
#include <kernels/nn/log_deviation_body.hpp>
#include <kernels/nn/rows.hpp>

namespace loom {
namespace {

constexpr int kLogDeviationGrain = 4096;

template <class Body>
void each(Here exec, char const* who, Body const& body, InRows<float> from, InRows<float> to) {
  require<ConfigError>(body.how.scale > 0 && body.how.low <= body.how.high, who, ": scale ",
                       body.how.scale, ", from ", body.how.low, " to ", body.how.high,
                       " (needs a scale above 0, and a range)");
  check_rows(who, from, to);
  EachElement const elements(body, from.rows, from.cols, false);
  launch(exec, elements.lanes(), elements, kLogDeviationGrain);
}

}  // namespace

void log_deviation(Here exec, LogDeviation const& how, InRows<float> raw, OutRows<float> log_std) {
  each(exec, "log_deviation", LogDeviationLanes{how, raw, log_std}, raw, log_std);
}

void log_deviation_backward(Here exec, LogDeviation const& how, InRows<float> raw,
                            InRows<float> dlog_std, OutRows<float> draw, Result result) {
  char const* const who = "log_deviation_backward";
  check_rows(who, raw, dlog_std);
  each(exec, who, LogDeviationBackward{how, raw, dlog_std, draw, result == Result::add}, raw, draw);
}

}  // namespace loom
