#pragma once
// A whole network inside a block kernel.
#include <kernels/core/block.hpp>
#include <kernels/nn/activation_body.hpp>
#include <kernels/nn/mlp.hpp>

namespace loom {

enum class Outputs { any, few };  ///< few: at most 32, which spares a kernel the code for more

/// Runs `net` on x, a tile that it uses up or b.keep(tile); epilogue(at, v) gets the outputs.
template <Outputs kOutputs = Outputs::any, class Block, class Input, class Epilogue>
HD void mlp(Block& b, MlpView const& net, Input x, Epilogue const& epilogue) {
  int const last = net.stack.depth - 1;
  auto h = b.use(x);
  for (int l = 0; l < last; ++l)
    h = with_activation<Block>(net.hidden, [&](auto kind) {
      return b.use(
          b.dense(h, net.stack.layers[l], [=](auto, auto v) { return activate(kind, v); }));
    });
  auto const finish = [&](auto at, auto v) { epilogue(at, activate(net.output, v)); };
  if constexpr (kOutputs == Outputs::few)
    b.head(h, net.stack.layers[last], finish);
  else
    b.dense(h, net.stack.layers[last], finish);
}

struct MlpForward {
  MlpView net;
  InRows<float> x;
  OutRows<float> y;

  template <class Block>
  HD void operator()(Block& b) const {
    mlp(b, net, b.load(x), [&](auto at, auto v) { b.store(y, at, v); });
  }
};

}  // namespace loom
