#pragma once
// Recipes: where they are found, and the settings of one run made of a recipe and overrides.
#include <cstdint>
#include <filesystem>
#include <learn/core/algorithm.hpp>
#include <learn/core/settings.hpp>
#include <memory>
#include <string>
#include <tools/dreamloom/parameter_rule.hpp>
#include <utility>
#include <vector>

namespace loom {

/// The settings of a run that belong to no algorithm.
struct RunConfig {
  std::string algorithm = "ppo";
  std::string environment;
  int num_envs = 1024;
  int frame_skip = 1;
  std::uint64_t seed = 1;
  std::int64_t total_steps = 1'000'000;
  double stop_return = 1e9;
  std::string device = "auto";
  int threads = 0;
  int log_every = 1;
  double checkpoint_every_s = 30;
  int eval_episodes = 100;
  std::int64_t eval_every = 0;
  std::uint64_t eval_seed = 1'000'003;

  void keys(Settings& settings);
};

/// `--key value` as it stood on the command line, without the dashes.
using Override = std::pair<std::string, std::string>;

/// Everything that decides what a run computes, checked against the registries.
struct Recipe {
  std::string name;  ///< of the file, without .toml; of the directory for a run's config.toml
  std::string summary;
  std::unique_ptr<RunConfig> run;
  AlgorithmEntry::Prepared learner;
  Settings settings;  ///< of `run` and `learner` together
  std::vector<ParameterRule> parameters;

  /// The whole recipe with every value written out; reading it back gives the same run.
  std::string toml() const;
};

/// Directories with recipes that exist, in the order in which names are looked up: the source tree
/// that the program was built from, then share/dreamloom/recipes of the installation.
std::vector<std::filesystem::path> recipe_directories();
/// Every recipe that a name finds, sorted by name.
std::vector<std::filesystem::path> recipe_files();

/// A recipe's file from a path, a run directory (its config.toml) or a name.
/// Throws ConfigError with the nearest name.
std::filesystem::path find_recipe(std::string const& name);

/// Reads a recipe and lays the overrides over it.
/// Errors  ConfigError: file or "command line", key, what was given, what is allowed.
Recipe load_recipe(std::filesystem::path const& path, std::vector<Override> const& overrides);
/// The same from text; `shown` names it in messages.
Recipe make_recipe(std::string const& text, std::string const& shown,
                   std::vector<Override> const& overrides);

/// The first key in which two runs differ, as "num_envs = 64 (the run has 128)"; total_steps may
/// differ. "" when they agree.
std::string first_difference(Recipe const& now, Recipe const& then);

/// Splits "--key value" and "--key=value"; what has no dashes goes to `positional`.
/// Throws ConfigError for a key without a value.
std::vector<Override> parse_overrides(std::vector<std::string> const& arguments,
                                      std::vector<std::string>& positional);

}  // namespace loom
