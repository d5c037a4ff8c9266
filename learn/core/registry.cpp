// The algorithms of this build, from the generated table.
#include <algorithm>
#include <kernels/core/names.hpp>
#include <learn/core/algorithm.hpp>

namespace loom {

namespace algorithm_registry {
std::vector<AlgorithmEntry const*> built_in();  // generated: learn/core/registry_table.hpp
}  // namespace algorithm_registry

std::vector<AlgorithmEntry const*> algorithms() {
  std::vector<AlgorithmEntry const*> entries;
  for (AlgorithmEntry const* entry : algorithm_registry::built_in()) entries.push_back(entry);
  std::sort(entries.begin(), entries.end(),
            [](auto const* a, auto const* b) { return a->name < b->name; });
  return entries;
}

AlgorithmEntry const& find_algorithm(std::string const& name) {
  std::vector<std::string> names;
  for (AlgorithmEntry const* entry : algorithms()) {
    if (entry->name == name) return *entry;
    names.push_back(entry->name);
  }
  fail<ConfigError>(unknown_name("algorithm", name, names));
}

}  // namespace loom
