#include <kernels/core/error.hpp>
#include <kernels/nn/mlp_body.hpp>

namespace loom {

void mlp_pack(Here exec, MlpView const& net, In<float> parameters) {
  PackDense plan{net.stack, {}};
  float const* p = parameters.data;
  for (int l = 0; l < net.stack.depth; ++l) {
    int const inputs = net.stack.layers[l].inputs, outputs = net.stack.layers[l].outputs;
    plan.source[l] = {p, inputs, 1, p + inputs * outputs};
    p += (inputs + 1) * outputs;
  }
  pack_dense(exec, plan);
}

void mlp_forward(Here exec, MlpView const& net, InRows<float> x, OutRows<float> y) {
  require(net.stack.depth > 0, "mlp: a network without layers");
  int const inputs = net.stack.layers[0].inputs,
            outputs = net.stack.layers[net.stack.depth - 1].outputs;
  require(x.cols == inputs && y.cols == outputs && x.rows == y.rows, "mlp: ", x.rows, " x ", x.cols,
          " -> ", y.rows, " x ", y.cols, " by a network ", inputs, " -> ", outputs);
  MlpForward const body{net, x, y};
  BlockNeeds const needs{net.stack.width, 1, 0, net.stack.tape};
  // Few rows: small tiles, to reach every multiprocessor.
  if (x.rows <= 2048)
    launch_blocks<16>(exec, x.rows, needs, body);
  else
    launch_blocks<64>(exec, x.rows, needs, body);
}

}  // namespace loom
