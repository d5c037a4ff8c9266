#pragma once
// Lambda returns of imagined trajectories, and their gradients.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// T steps of N trajectories, all [T][N]: `reward` for the step from state t to t + 1, `discount` what
/// multiplies all that comes after it (0 where it ended), and value: [T + 1][N], of the states. `cut`: [T][N] or
/// empty; where it is not 0 another trajectory follows, and only v_{t+1} counts of what comes after.
struct LambdaReturnInput {
  In<float> reward, discount, value, cut{};
};

/// R_t = r_t + d_t ((1 - lambda) v_{t+1} + lambda R_{t+1}), R_T = v_T.
///
/// Version 1 and 2 of Dreamer count a reward with the state it is predicted from, version 3 with the
/// state it leads to: which of a trajectory's rewards is reward[t] is the caller's.
///
/// Shapes   steps: T; reward, discount, returns: [T][N]; value: [T + 1][N]. returns may be reward's
///          memory.
/// Bits     the same on every machine.
/// Errors   ShapeError if the sizes do not fit.
/// Source   Sutton, Barto 2018, equation 12.20; Hafner et al. 2020, "Dream to control", equation 6.
void lambda_return(Cpu exec, int steps, float lambda, LambdaReturnInput const& in,
                   Out<float> returns);
void lambda_return(Gpu exec, int steps, float lambda, LambdaReturnInput const& in,
                   Out<float> returns);

/// Empty members are not written.
struct LambdaReturnGradients {
  Out<float> reward, discount, value;
};

/// Gradients of sum(returns * dreturns), without cuts.
///
/// Shapes   as lambda_return, returns as it left them; the gradients as what they are of, in memory of
///          their own.
void lambda_return_backward(Cpu exec, int steps, float lambda, LambdaReturnInput const& in,
                            In<float> returns, In<float> dreturns,
                            LambdaReturnGradients const& gradients);
void lambda_return_backward(Gpu exec, int steps, float lambda, LambdaReturnInput const& in,
                            In<float> returns, In<float> dreturns,
                            LambdaReturnGradients const& gradients);

}  // namespace loom
