// Included by the generated environment_registry.cpp, which defines LOOM_EACH and LOOM_TABLE.
#include <sim/core/registry.hpp>

namespace loom::environment_registry {
#define LOOM_ENTRY(stem)            \
  EnvKernels<Cpu> const& stem(Cpu); \
  EnvKernels<Gpu> const& stem(Gpu);
LOOM_EACH(LOOM_ENTRY)
#undef LOOM_ENTRY

std::vector<EnvEntry> LOOM_TABLE() {
#if DREAMLOOM_WITH_CUDA
#define LOOM_ENTRY(stem) EnvEntry{#stem, &stem(Cpu{}), &stem(Gpu{})},
#else
#define LOOM_ENTRY(stem) EnvEntry{#stem, &stem(Cpu{}), nullptr},
#endif
  return {LOOM_EACH(LOOM_ENTRY)};
#undef LOOM_ENTRY
}
}  // namespace loom::environment_registry
