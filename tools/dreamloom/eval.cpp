// dreamloom eval: how well a checkpoint's greedy policy does.
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/trainer.hpp>

namespace loom {

std::vector<Override> policy_overrides(std::vector<std::string> const& arguments,
                                       std::vector<std::string>& positional) {
  std::vector<Override> overrides = parse_overrides(arguments, positional);
  for (auto const& [key, value] : overrides) {
    bool const allowed = key == "parameters" || key.rfind("parameters.", 0) == 0;
    require<ConfigError>(allowed, "command line: unknown option --", key,
                         " (only --parameters.NAME changes an evaluation; see --help)");
  }
  return overrides;
}

int eval(EvalOptions const& o) {
  std::vector<std::string> positional;
  std::vector<Override> overrides = policy_overrides(o.arguments, positional);
  overrides.emplace_back("device", o.device);
  if (o.episodes > 0) overrides.emplace_back("eval.episodes", std::to_string(o.episodes));
  if (!o.seed.empty()) overrides.emplace_back("eval.seed", o.seed);
  std::string const name = only_positional(positional, "checkpoint or run directory");
  LoadedPolicy policy = load_policy(name, overrides);
  Evaluation const e = evaluate(*policy.learner->algorithm, policy.device->exec(),
                                policy.learner->evaluation, policy.recipe.run->eval_episodes);
  if (o.json) {
    nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
    for (ParameterRule const& rule : policy.recipe.parameters) parameters[rule.name] = rule.toml();
    nlohmann::ordered_json const json{{"environment", policy.recipe.run->environment},
                                      {"algorithm", policy.recipe.run->algorithm},
                                      {"steps", policy.steps},
                                      {"episodes", e.returns.size()},
                                      {"seed", policy.recipe.run->eval_seed},
                                      {"parameters", parameters},
                                      {"mean", e.mean()},
                                      {"sd", e.deviation()},
                                      {"min", e.lowest()},
                                      {"max", e.highest()},
                                      {"mean_length", e.mean_length()},
                                      {"success", e.success() ? nlohmann::ordered_json(*e.success())
                                                              : nlohmann::ordered_json(nullptr)},
                                      {"returns", e.returns}};
    fmt::print("{}\n", json.dump());
    return 0;
  }
  fmt::print("{}, {} at step {}\n", policy.recipe.run->environment, policy.recipe.run->algorithm,
             policy.steps);
  for (ParameterRule const& rule : policy.recipe.parameters) {
    fmt::print("  {} = {}\n", rule.name, rule.toml());
  }
  fmt::print(
      "return {:.2f} +- {:.2f} (min {:.2f}, max {:.2f}) over {} episodes, mean length {:.1f}\n",
      e.mean(), e.deviation(), e.lowest(), e.highest(), e.returns.size(), e.mean_length());
  if (auto const success = e.success())
    fmt::print("{:.1f} % of them reached the goal\n", 100 * *success);
  return 0;
}

}  // namespace loom
