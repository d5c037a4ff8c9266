#pragma once
// A recipe's text as a flat list of settings.
#include <filesystem>
#include <learn/core/settings.hpp>
#include <string>
#include <tools/dreamloom/parameter_rule.hpp>
#include <vector>

namespace loom {

struct TomlEntry {
  std::string name;  ///< with its tables: "ppo.gamma"
  SettingValue value;
  std::string source;  ///< file and line: "cartpole.toml:12"
};

struct TomlFile {
  std::vector<TomlEntry> entries;
  std::vector<ParameterRule> parameters;  ///< the table [parameters]
  std::string summary;                    ///< the first comment line of the file
};

/// Reads TOML text; `shown` names it in messages.
/// Errors  ConfigError with file and line: bad syntax, a value of a kind that no setting has; a text of
/// more than 1 MiB or 4096 dots (a key's nesting).
TomlFile parse_toml(std::string const& text, std::string const& shown);

/// Errors  ConfigError as above or when the file cannot be read.
TomlFile read_toml(std::filesystem::path const& path);

}  // namespace loom
