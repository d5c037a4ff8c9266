#pragma once
// Tests that run on every machine there is.
#include <gtest/gtest.h>

#include <kernels/core/exec.hpp>
#include <vector>

/// Leaves a test that needs a GPU: skipped without one, failed where the build promises one.
#define SKIP_WITHOUT_DEVICE()                             \
  if (::loom::device_count() == 0) {                      \
    if (DREAMLOOM_DEVICE_REQUIRED) FAIL() << "no device"; \
    GTEST_SKIP() << "no device";                          \
  }                                                       \
  static_assert(true)

namespace loom {

/// Cpu{} and, when there is a device, Gpu{}.
inline std::vector<Exec> every_exec() {
  std::vector<Exec> all{Cpu{}};
#if DREAMLOOM_WITH_CUDA
  if (device_count() > 0) all.emplace_back(Gpu{});
#endif
  return all;
}

}  // namespace loom
