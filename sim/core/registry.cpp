#include <algorithm>
#include <cstring>
#include <kernels/core/error.hpp>
#include <kernels/core/names.hpp>
#include <sim/core/registry.hpp>

namespace loom {

std::vector<EnvEntry> const& environments() {
  static std::vector<EnvEntry> const all = [] {
    std::vector<EnvEntry> v = environment_registry::built_in();
    if (environment_registry::out_of_tree != nullptr)
      for (EnvEntry const& e : environment_registry::out_of_tree()) v.push_back(e);
    std::sort(v.begin(), v.end(), [](auto const& a, auto const& b) {
      return std::strcmp(a.spec().name, b.spec().name) < 0;
    });
    for (std::size_t i = 1; i < v.size(); ++i)
      require<ConfigError>(std::strcmp(v[i].spec().name, v[i - 1].spec().name) != 0,
                           "registry: two environments are called ", v[i].spec().name, " (",
                           v[i - 1].stem, ".cu, ", v[i].stem, ".cu)");
    return v;
  }();
  return all;
}

std::vector<ParamSpec> parameters_of(EnvEntry const& entry) {
  std::vector<ParamSpec> all(entry.cpu->parameters, entry.cpu->parameters + entry.num_parameters());
  all.insert(all.end(), kDisturbanceParameters, kDisturbanceParameters + kDisturbances);
  return all;
}

EnvEntry const& find_environment(std::string const& name) {
  std::vector<std::string> known;
  for (EnvEntry const& e : environments()) {
    if (name == e.spec().name) return e;
    known.emplace_back(e.spec().name);
  }
  fail<ConfigError>(unknown_name("environment", name, known));
}

}  // namespace loom
