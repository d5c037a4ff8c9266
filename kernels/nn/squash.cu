#include <kernels/core/error.hpp>
#include <kernels/core/launch.hpp>
#include <kernels/nn/rows.hpp>
#include <kernels/nn/squash.hpp>
#include <kernels/nn/squash_body.hpp>

namespace loom {
namespace {

constexpr int kSquashGrain = 1024;

bool contiguous(InRows<float> x) { return x.stride == x.cols; }

template <class Body>
void each(Here exec, char const* who, Body const& body, InRows<float> from, InRows<float> to,
          bool whole) {
  require<ConfigError>(body.scale > 0, who, ": scale ", body.scale, " (needs more than 0)");
  check_rows(who, from, to);
  EachElement const elements(body, from.rows, from.cols, whole);
  launch(exec, elements.lanes(), elements, kSquashGrain);
}

}  // namespace

void squash(Here exec, Squash kind, float scale, InRows<float> x, OutRows<float> y) {
  each(exec, "squash", SquashLanes{kind, scale, x, y}, x, y, contiguous(x) && contiguous(y));
}

void squash_backward(Here exec, Squash kind, float scale, InRows<float> y, InRows<float> dy,
                     OutRows<float> dx) {
  char const* const who = "squash_backward";
  check_rows(who, y, dy);
  each(exec, who, SquashBackward{kind, scale, y, dy, dx}, y, dx,
       contiguous(y) && contiguous(dy) && contiguous(dx));
}

}  // namespace loom
