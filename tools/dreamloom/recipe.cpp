#include <tools/dreamloom/recipe.hpp>

#include <algorithm>
#include <kernels/core/names.hpp>
#include <learn/core/text.hpp>
#include <set>
#include <tools/dreamloom/environments.hpp>
#include <tools/dreamloom/toml_file.hpp>

namespace loom {

namespace fs = std::filesystem;

void RunConfig::keys(Settings& s) {
  s.key("algorithm", algorithm, "what learns");
  s.key("environment", environment, "what is learnt");
  s.key("num_envs", num_envs, "instances of the environment", between(1, 1 << 24));
  s.key("frame_skip", frame_skip, "steps of the environment for one action; rewards are summed",
        between(1, 1000));
  s.key("seed", seed, "of everything random");
  s.key("total_steps", total_steps, "steps of the policy, over all instances", at_least(1));
  s.key("stop_return", stop_return, "ends training once an evaluation's mean return reaches it");
  s.key("device", device, "auto, cpu, cuda or cuda:n");
  s.key("threads", threads, "of the CPU; 0: all cores", between(0, 1024));
  s.key("log_every", log_every, "iterations a line of metrics.csv", at_least(1));
  s.key("checkpoint_every_s", checkpoint_every_s, "seconds between checkpoints", at_least(0));
  s.section("eval");
  s.key("episodes", eval_episodes, "of each evaluation", between(1, 1 << 20));
  s.key("every", eval_every, "steps between evaluations; 0: only at the end", at_least(0));
  s.key("seed", eval_seed, "of the evaluation's environments");
  s.section("");
}

namespace {

constexpr char const* kCommandLine = "command line";
constexpr std::string_view kParameters = "parameters.";

bool is_parameter(std::string const& key) { return key.rfind(kParameters, 0) == 0; }

/// The run's algorithm must be known before its table of settings can be made.
std::string algorithm_of(TomlFile const& file, std::vector<Override> const& overrides) {
  std::string name = RunConfig{}.algorithm;
  for (TomlEntry const& entry : file.entries) {
    auto const* text = std::get_if<std::string>(&entry.value);
    if (entry.name == "algorithm" && text != nullptr) name = *text;
  }
  for (auto const& [key, value] : overrides) {
    if (key == "algorithm") name = value;
  }
  return name;
}

Recipe build(TomlFile const& file, std::string const& shown,
             std::vector<Override> const& overrides) {
  Recipe recipe;
  recipe.summary = file.summary;
  recipe.run = std::make_unique<RunConfig>();
  recipe.run->keys(recipe.settings);
  std::string const algorithm = algorithm_of(file, overrides);
  recipe.learner = find_algorithm(algorithm).prepare();
  recipe.settings.add(recipe.learner.keys, algorithm);

  for (TomlEntry const& entry : file.entries) {
    recipe.settings.set(entry.name, entry.value, entry.source);
  }
  recipe.parameters = file.parameters;
  for (auto const& [key, value] : overrides) {
    if (key == "parameters" && value == "default") {
      recipe.parameters.clear();
    } else if (is_parameter(key)) {
      put(recipe.parameters, parse_rule(key.substr(kParameters.size()), value, kCommandLine));
    } else {
      recipe.settings.set_text(key, value, kCommandLine);
    }
  }
  require<ConfigError>(!recipe.run->environment.empty(), shown,
                       ": no environment (needs environment = \"name\"; `dreamloom envs` lists "
                       "them)");
  check_environment(recipe.run->environment, recipe.parameters);
  return recipe;
}

}  // namespace

std::string Recipe::toml() const {
  std::string text = settings.toml();
  if (!parameters.empty()) text += "\n[parameters]\n";
  for (ParameterRule const& rule : parameters) text += rule.name + " = " + rule.toml() + "\n";
  return text;
}

std::vector<fs::path> recipe_directories() {
  std::vector<fs::path> candidates{DREAMLOOM_RECIPES};
  std::error_code error;
  fs::path const program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    candidates.push_back(program.parent_path().parent_path() / "share/dreamloom/recipes");
  }
  std::vector<fs::path> found;
  for (fs::path const& directory : candidates) {
    if (fs::is_directory(directory, error)) found.push_back(directory);
  }
  return found;
}

std::vector<fs::path> recipe_files() {
  std::vector<fs::path> files;
  std::set<std::string> names;
  std::error_code error;
  for (fs::path const& directory : recipe_directories()) {
    for (auto const& entry : fs::directory_iterator(directory, error)) {
      bool const is_recipe = entry.path().extension() == ".toml";
      if (is_recipe && names.insert(entry.path().stem()).second) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end(),
            [](fs::path const& a, fs::path const& b) { return a.stem() < b.stem(); });
  return files;
}

fs::path find_recipe(std::string const& name) {
  std::error_code error;
  fs::path const path = name;
  if (fs::is_regular_file(path, error)) return path;
  if (fs::is_regular_file(path / "config.toml", error)) return path / "config.toml";
  bool const is_path = name.find('/') != std::string::npos || path.extension() == ".toml";
  require<ConfigError>(!is_path, name, ": there is no such recipe");
  std::vector<std::string> names;
  for (fs::path const& file : recipe_files()) {
    names.push_back(file.stem());
    if (names.back() == name) return file;
  }
  fail<ConfigError>(unknown_name("recipe", name, names));
}

Recipe load_recipe(fs::path const& path, std::vector<Override> const& overrides) {
  Recipe recipe = build(read_toml(path), path.string(), overrides);
  bool const is_run = path.filename() == "config.toml" && path.has_parent_path();
  recipe.name = is_run ? path.parent_path().filename() : path.stem();
  return recipe;
}

Recipe make_recipe(std::string const& text, std::string const& shown,
                   std::vector<Override> const& overrides) {
  return build(parse_toml(text, shown), shown, overrides);
}

std::string first_difference(Recipe const& now, Recipe const& then) {
  if (now.run->algorithm != then.run->algorithm) {
    return "algorithm = " + now.run->algorithm + " (the run has " + then.run->algorithm + ")";
  }
  for (Settings::Key const& key : now.settings.keys()) {
    std::string const name = key.full_name();
    if (name == "total_steps") continue;
    Settings::Key const* other = then.settings.find(name);
    if (key.text() != other->text()) {
      return name + " = " + key.text() + " (the run has " + other->text() + ")";
    }
  }
  auto const rule_text = [](std::vector<ParameterRule> const& rules, std::string const& name) {
    for (ParameterRule const& rule : rules) {
      if (rule.name == name) return rule.toml();
    }
    return std::string("its default");
  };
  for (auto const* rules : {&now.parameters, &then.parameters}) {
    for (ParameterRule const& rule : *rules) {
      std::string const mine = rule_text(now.parameters, rule.name);
      std::string const theirs = rule_text(then.parameters, rule.name);
      if (mine != theirs) {
        return "parameters." + rule.name + " = " + mine + " (the run has " + theirs + ")";
      }
    }
  }
  return "";
}

std::vector<Override> parse_overrides(std::vector<std::string> const& arguments,
                                      std::vector<std::string>& positional) {
  std::vector<Override> overrides;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string const& argument = arguments[i];
    if (argument.rfind("--", 0) != 0 || argument.size() == 2) {
      positional.push_back(argument);
      continue;
    }
    auto const equals = argument.find('=');
    if (equals != std::string::npos) {
      overrides.emplace_back(argument.substr(2, equals - 2), argument.substr(equals + 1));
      continue;
    }
    std::string const key = argument.substr(2);
    bool const has_value = i + 1 < arguments.size() && arguments[i + 1].rfind("--", 0) != 0;
    require<ConfigError>(has_value, kCommandLine, ": --", key, " has no value (needs --", key,
                         " value)");
    overrides.emplace_back(key, arguments[++i]);
  }
  return overrides;
}

}  // namespace loom
