// dreamloom train: a recipe into a run directory.
#include <fmt/format.h>
#include <learn/core/text.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/pictures.hpp>
#include <tools/dreamloom/trainer.hpp>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// Where the run lies. A run's own directory given as recipe stays where it is.
fs::path directory_of(TrainOptions const& o, fs::path const& recipe_path, Recipe const& recipe) {
  bool const is_run = recipe_path.filename() == "config.toml" && recipe_path.has_parent_path();
  if (o.name.empty() && is_run && o.resume) return recipe_path.parent_path();
  std::string const name = o.name.empty() ? recipe.name : o.name;
  bool const plain = name != "." && name != ".." && name.find('/') == std::string::npos;
  require<ConfigError>(plain && !name.empty(), "command line: --name ", toml_quoted(name),
                       " (needs a plain directory name; --runs says where)");
  return fs::path(o.runs) / name;
}

void check_resumed(Recipe const& recipe, fs::path const& directory) {
  Recipe const then = load_recipe(directory / "config.toml", {});
  std::string const difference = first_difference(recipe, then);
  require<ConfigError>(difference.empty(), directory.string(), ": ", difference,
                       "; only total_steps may change on --resume (`dreamloom train ",
                       directory.string(), " --resume` takes the run's own settings)");
}

void summarise(Outcome const& outcome, Recipe const& recipe, RunDirectory const& directory) {
  double const rate =
      outcome.seconds > 0 ? static_cast<double>(outcome.steps_here) / outcome.seconds : 0;
  switch (outcome.ending) {
    case Ending::signal:
      fmt::print("stopped at step {}; continue with: dreamloom train {} --resume\n",
                 with_commas(outcome.steps), directory.path().string());
      return;
    case Ending::stop_return:
    case Ending::total_steps:
      break;
  }
  if (outcome.steps_here == 0) {
    fmt::print("{} is complete at step {} ({})\n", directory.path().string(),
               with_commas(outcome.steps),
               outcome.ending == Ending::stop_return ? "stop_return was reached"
                                                     : "raise --total_steps to go on");
    return;
  }
  fmt::print("{}: {} steps in {:.2f} s ({} steps/s)\n", recipe.run->environment,
             with_commas(outcome.steps_here), outcome.seconds, with_prefix(rate));
  if (outcome.evaluation) {
    Evaluation const& e = *outcome.evaluation;
    fmt::print("evaluation: return {:.1f} +- {:.1f} over {} episodes ({:.1f} to {:.1f})\n",
               e.mean(), e.deviation(), e.returns.size(), e.lowest(), e.highest());
    if (auto const success = e.success())
      fmt::print("{:.1f} % of them reached the goal\n", 100 * *success);
  }
  fmt::print(
      "{}: config.toml, metrics.csv, TensorBoard events, checkpoint.safetensors, curve.svg, "
      "eval.gif\n",
      directory.path().string());
}

}  // namespace

std::string train_keys() {
  RunConfig run;
  Settings settings;
  run.keys(settings);
  std::string text = settings.help();
  for (AlgorithmEntry const* entry : algorithms()) {
    AlgorithmEntry::Prepared const prepared = entry->prepare();
    Settings keys;
    keys.add(prepared.keys, entry->name);
    text += fmt::format("  {}: {}\n", entry->name, entry->summary) + keys.help();
  }
  return text;
}

int train(TrainOptions const& o) {
  std::vector<std::string> positional;
  std::vector<Override> const overrides = parse_overrides(o.arguments, positional);
  if (positional.empty() && o.resume && !o.name.empty()) {
    // `train --resume --name x` speaks of the run alone.
    RunDirectory::check(fs::path(o.runs) / o.name, RunDirectory::Open::resume);
    positional.push_back(o.runs + "/" + o.name);
  }
  fs::path const recipe_path = find_recipe(only_positional(positional, "recipe"));
  Recipe recipe = load_recipe(recipe_path, overrides);
  fs::path const path = directory_of(o, recipe_path, recipe);

  Device const device(recipe.run->device, recipe.run->threads);
  recipe.run->device = device.name();
  recipe.run->threads = device.threads();
  auto const how = o.resume ? RunDirectory::Open::resume : RunDirectory::Open::fresh;
  RunDirectory::check(path, how);
  if (o.resume) check_resumed(recipe, path);

  // Nothing is written before everything that can be refused has been.
  Learner learner(recipe, device.exec());
  RunDirectory const directory(path, how);
  Progress progress(path.filename().string(), stderr);
  if (std::string const note = learner.algorithm->note(); !note.empty())
    progress.note(fmt::format("{}: {}", recipe.run->algorithm, note));
  Trainer trainer(recipe, device, learner, directory, how, progress);
  Outcome const outcome = trainer.run();
  draw_curve(directory);
  if (outcome.signal == 0) animate_to(directory.animation(), learner, device.exec());
  summarise(outcome, recipe, directory);
  return outcome.ending == Ending::signal ? 128 + outcome.signal : 0;
}

}  // namespace loom
