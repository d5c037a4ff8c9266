#pragma once
// Environments as recipes and the command line speak of them.
#include <sim/core/registry.hpp>
#include <sim/core/vector_env.hpp>
#include <string>
#include <tools/dreamloom/parameter_rule.hpp>
#include <vector>

namespace loom {

/// Throws ConfigError with the nearest name.
EnvEntry const& environment_called(std::string const& name);

/// Throws ConfigError, naming where the rule stands: an unknown environment or parameter, a value
/// outside the admissible range.
void check_environment(std::string const& name, std::vector<ParameterRule> const& rules);

/// A batch of that environment.
VectorEnvConfig batch_of(std::string const& name, int num_envs, std::uint64_t seed,
                         std::vector<ParameterRule> const& rules);

/// "0 ... 1" (discrete) or "2 in [-2, 2]".
std::string describe(ActionSpace const& actions);

}  // namespace loom
