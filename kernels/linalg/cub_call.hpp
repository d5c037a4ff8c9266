#pragma once
// CUB's two-step calls: first the size of the workspace, then the work.
#include <kernels/core/device.hpp>
#include <kernels/linalg/checks.hpp>

namespace loom::cub_call {

/// call(temporary, bytes) is a cub::Device function; with a null pointer it only sets bytes.
template <class Call>
std::size_t workspace(Call const& call) {
  std::size_t bytes = 0;
  CUDA_CHECK(call(nullptr, bytes));
  return bytes;
}

template <class Call>
void run(char const* who, Out<std::uint8_t> given, Call const& call) {
  std::size_t bytes = workspace(call);
  checks::workspace(who, given, bytes);
  CUDA_CHECK(call(given.data, bytes));
}

}  // namespace loom::cub_call
