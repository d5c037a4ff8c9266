#pragma once
// Bodies that use all of a Block; launched by block_bodies.cu.
#include <kernels/core/view.hpp>
#include <kernels/nn/mlp.hpp>

namespace loom::block_test {

inline constexpr int kFields = 3, kObservation = 5;

/// T steps of a toy environment under an actor and with a critic, in one launch.
struct Rollout {
  MlpView actor, critic;  // kObservation -> actions (the first kFields act), kObservation -> values
  int actions, values;
  Tiles<float> state;   // kFields, padded to whole tiles
  Tiles<float> record;  // steps * (actions + values)
  int steps;
};
void rollout(Cpu exec, int rows, Rollout const& r);
void rollout(Gpu exec, int rows, Rollout const& r);

/// y = softmax(head(u)) with u = x + tanh(layer_norm(first(x))); z = second head of x, plus w and a
/// value.
struct Norms {
  MlpView first, head, second;  // n -> n, n -> m, n -> k (wide)
  InRows<float> x, w;           // (rows, n), (rows, k)
  OutRows<float> y, z;          // (rows, m), (rows, k)
};
void norms(Cpu exec, int rows, Norms const& n);
void norms(Gpu exec, int rows, Norms const& n);

/// Calls its second layer first: must be found out.
void out_of_order(Cpu exec, MlpView const& net, InRows<float> x);

}  // namespace loom::block_test
