#pragma once
// How a recipe or the command line says what becomes of one physical parameter.
#include <sim/core/spec.hpp>
#include <string>
#include <vector>

namespace loom {

/// One line of a recipe's [parameters]:
///   gravity = 9.8                          fixed
///   gravity = { uniform = [8.8, 10.8] }    also log_uniform
///   gravity = { normal = [9.8, 0.3] }      mean, standard deviation
/// On the command line: --parameters.gravity 9.8 | uniform:8.8,10.8 | "normal:[9.8, 0.3]".
struct ParameterRule {
  std::string name;
  Distribution kind = Distribution::fixed;
  double first = 0, second = 0;  ///< value | low, high | mean, standard deviation
  std::string source;            ///< for messages: "cartpole.toml:12", "command line"

  /// As the right-hand side of a recipe's line.
  std::string toml() const;
  /// Same name and meaning, whatever the source.
  bool same_as(ParameterRule const& other) const;
};

/// "uniform" and so on.
std::string name_of(Distribution kind);

/// From a recipe: the kind's word ("" for a plain number) and its numbers. Throws ConfigError.
ParameterRule make_rule(std::string const& name, std::string const& kind,
                        std::vector<double> const& numbers, std::string const& source);

/// From the command line's text. Throws ConfigError.
ParameterRule parse_rule(std::string const& name, std::string const& text,
                         std::string const& source);

/// Adds the rule, or replaces the one of the same parameter.
void put(std::vector<ParameterRule>& rules, ParameterRule rule);

}  // namespace loom
