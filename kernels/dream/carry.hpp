#pragma once
// What a recurrent state takes from one step to the next: nothing where an episode begins.
#include <kernels/core/exec.hpp>
#include <kernels/core/view.hpp>

namespace loom {

/// to[r] = from[r], or zeros where first[r] is not 0.
///
/// Shapes   first: (rows), 0 or 1; from, to: (rows, n), any stride; to may be from's memory.
/// Errors   ShapeError if the sizes do not fit.
void carry(Cpu exec, In<float> first, InRows<float> from, OutRows<float> to);
void carry(Gpu exec, In<float> first, InRows<float> from, OutRows<float> to);

/// dfrom[r] += dto[r], but where first[r] is not 0.
void carry_backward(Cpu exec, In<float> first, InRows<float> dto, OutRows<float> dfrom);
void carry_backward(Gpu exec, In<float> first, InRows<float> dto, OutRows<float> dfrom);

/// The same of actions, each number divided by max(1, its magnitude).
///
/// Source   Hafner et al. 2023, "Mastering diverse domains through world models", the authors' code.
void carry_action(Cpu exec, In<float> first, InRows<float> from, OutRows<float> to);
void carry_action(Gpu exec, In<float> first, InRows<float> from, OutRows<float> to);

/// dfrom[r] = dto[r] divided by max(1, magnitude of from[r]), a constant as in the authors' code; zeros where
/// first[r] is not 0.
///
/// Shapes   from, dto, dfrom: (rows, n), any stride; dfrom may be dto's or from's memory.
/// Errors   ShapeError if the sizes do not fit.
void carry_action_backward(Cpu exec, In<float> first, InRows<float> from, InRows<float> dto,
                           OutRows<float> dfrom);
void carry_action_backward(Gpu exec, In<float> first, InRows<float> from, InRows<float> dto,
                           OutRows<float> dfrom);

}  // namespace loom
