#pragma once
// The non-linearities between dense layers.
#include <kernels/core/machine.hpp>

namespace loom {

/// identity x; tanh; relu max(x, 0); elu x or e^x - 1; silu x * sigmoid(x).
enum class Activation : std::int32_t { identity, tanh, relu, elu, silu };

}  // namespace loom
