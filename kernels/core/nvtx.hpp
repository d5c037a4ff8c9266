#pragma once
// Named ranges for profilers. They cost nothing without one; CPU builds compile them away.
#include <kernels/core/config.hpp>
#if DREAMLOOM_WITH_CUDA
#include <nvtx3/nvToolsExt.h>
#endif

namespace loom {

/// A range from construction to destruction. Around graph launches: inside a capture it would mark
/// only the recording.
class NvtxRange {
 public:
#if DREAMLOOM_WITH_CUDA
  explicit NvtxRange(char const* name) { nvtxRangePushA(name); }
  ~NvtxRange() { nvtxRangePop(); }
#else
  explicit NvtxRange(char const*) {}
  ~NvtxRange() {}
#endif
  NvtxRange(NvtxRange const&) = delete;
  NvtxRange& operator=(NvtxRange const&) = delete;
};

}  // namespace loom
