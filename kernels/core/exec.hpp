#pragma once
// Where work runs. Everything that computes takes an Exec; there are no globals.
#include <kernels/core/error.hpp>
#include <kernels/core/machine.hpp>
#include <string>
#include <variant>

namespace loom {

#if DREAMLOOM_WITH_CUDA
using Exec = std::variant<Cpu, Gpu>;
#else
using Exec = std::variant<Cpu>;
#endif

/// Calls f with the Cpu or Gpu inside: visit(exec, [&](auto e) { symlog(e, x, y); }).
template <class F>
decltype(auto) visit(Exec const& exec, F&& f) {
  return std::visit(static_cast<F&&>(f), exec);
}

inline bool on_cpu(Exec const& exec) { return std::holds_alternative<Cpu>(exec); }

/// Waits until everything submitted to a Gpu's stream is done; returns at once on a Cpu.
void synchronize(Exec const& exec);

/// Number of usable CUDA devices; 0 in a CPU build, without a driver or without a device. Never
/// throws.
int device_count();

/// "NVIDIA H100, 132 SMs, 80 GB" or the processor's name with its number of threads.
std::string describe(Exec const& exec);

}  // namespace loom
