#include <tools/dreamloom/environments.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <kernels/core/names.hpp>

namespace loom {
namespace {

/// Shortest digits that give this float.
std::string number(float x) { return fmt::format("{}", x); }

void check_rule(std::string const& environment, std::vector<ParamSpec> const& specs,
                ParameterRule const& rule) {
  auto const spec = std::find_if(specs.begin(), specs.end(),
                                 [&](ParamSpec const& s) { return rule.name == s.name; });
  if (spec == specs.end()) {
    std::vector<std::string> names;
    for (ParamSpec const& s : specs) names.emplace_back(s.name);
    fail<ConfigError>(rule.source, ": ",
                      unknown_name(environment + " parameter", rule.name, names));
  }
  auto const admissible = [&](double x) {
    auto const v = static_cast<float>(x);
    return v >= spec->admissible.low && v <= spec->admissible.high;
  };
  bool const interval =
      rule.kind == Distribution::uniform || rule.kind == Distribution::log_uniform;
  require<ConfigError>(admissible(rule.first) && (!interval || admissible(rule.second)),
                       rule.source, ": parameters.", rule.name, " = ", rule.toml(),
                       " (needs values from ", number(spec->admissible.low), " to ",
                       number(spec->admissible.high), *spec->unit == '\0' ? "" : " ", spec->unit,
                       ")");
}

}  // namespace

EnvEntry const& environment_called(std::string const& name) {
  std::vector<std::string> names;
  for (EnvEntry const& entry : environments()) {
    if (name == entry.spec().name) return entry;
    names.emplace_back(entry.spec().name);
  }
  fail<ConfigError>(unknown_name("environment", name, names));
}

void check_environment(std::string const& name, std::vector<ParameterRule> const& rules) {
  std::vector<ParamSpec> const specs = parameters_of(environment_called(name));
  for (ParameterRule const& rule : rules) check_rule(name, specs, rule);
}

VectorEnvConfig batch_of(std::string const& name, int num_envs, std::uint64_t seed,
                         std::vector<ParameterRule> const& rules) {
  VectorEnvConfig config;
  config.name = name;
  config.num_envs = num_envs;
  config.seed = seed;
  for (ParameterRule const& rule : rules) {
    config.parameters.push_back(
        {rule.name, rule.kind, static_cast<float>(rule.first), static_cast<float>(rule.second)});
  }
  return config;
}

std::string describe(ActionSpace const& actions) {
  if (actions.discrete) return "0 ... " + std::to_string(actions.size - 1);
  return std::to_string(actions.size) + " in [" + number(actions.low) + ", " +
         number(actions.high) + "]";
}

}  // namespace loom
