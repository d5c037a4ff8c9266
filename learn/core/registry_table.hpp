// Included by the generated algorithm_registry.cpp, which defines LOOM_EACH and LOOM_TABLE.
#include <learn/core/algorithm.hpp>

namespace loom::algorithm_registry {
#define LOOM_ENTRY(stem) AlgorithmEntry const& stem();
LOOM_EACH(LOOM_ENTRY)
#undef LOOM_ENTRY

std::vector<AlgorithmEntry const*> LOOM_TABLE() {
#define LOOM_ENTRY(stem) &stem(),
  return {LOOM_EACH(LOOM_ENTRY)};
#undef LOOM_ENTRY
}
}  // namespace loom::algorithm_registry
