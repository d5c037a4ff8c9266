#pragma once
// Every reader of files from outside as a function of the file's bytes, with files to begin from.
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <tests/fuzz/learners.hpp>
#include <tests/fuzz/memory_directory.hpp>
#include <tools/dreamloom/environments.hpp>
#include <tools/dreamloom/metrics_table.hpp>
#include <tools/dreamloom/pictures.hpp>
#include <tools/dreamloom/recipe.hpp>
#include <tools/dreamloom/trainer.hpp>
#include <vector>

namespace loom {

struct FuzzTarget {
  std::string name;
  /// Returns when the bytes were taken, or refused with an Error that says why. Whatever else it throws is a fault.
  std::function<void(std::string const&)> read;
  std::vector<std::string> seeds;
  std::vector<std::string> words;  ///< of the format
};

struct Fault : std::logic_error {
  using std::logic_error::logic_error;
};

/// Runs f; false when it refused with an Error.
template <class F>
bool taken(F&& f) {
  try {
    f();
    return true;
  } catch (Error const& e) {
    if (*e.what() == '\0') throw Fault("an error without a message");
    return false;
  }
}

inline void expect(bool condition, char const* claim) {
  if (!condition) throw Fault(claim);
}

// ---- recipes and command lines ----

inline std::vector<std::string> recipe_words() {
  std::vector<std::string> words{"uniform", "log_uniform", "normal", "parameters", "[[",
                                 "'''",     "\"\"\"",      "0x7f",   "1_000",      "inf",
                                 "nan",     "+1",          "{",      "}",          "\\u0000"};
  for (AlgorithmEntry const* entry : algorithms()) {
    words.push_back(entry->name);
    AlgorithmEntry::Prepared const prepared = entry->prepare();
    for (Settings::Key const& key : prepared.keys.keys()) words.push_back(key.name);
  }
  for (EnvEntry const& entry : environments()) {
    words.emplace_back(entry.spec().name);
    for (ParamSpec const& p : parameters_of(entry)) words.emplace_back(p.name);
  }
  return words;
}

/// What is accepted can be written and read back to the same recipe.
inline void read_recipe(std::string const& bytes) {
  Recipe recipe;
  if (!taken([&] { recipe = make_recipe(bytes, "recipe.toml", {}); })) return;
  std::string const text = recipe.toml();
  expect(make_recipe(text, "again", {}).toml() == text, "a recipe does not read back");
}

/// One argument a line, behind a recipe.
inline void read_overrides(std::string const& bytes) {
  std::vector<std::string> arguments, positional;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t const end = std::min(bytes.find('\n', at), bytes.size());
    arguments.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  taken([&] {
    auto const overrides = parse_overrides(arguments, positional);
    std::string const text = make_recipe("environment = \"CartPole\"", "a", overrides).toml();
    expect(make_recipe(text, "again", {}).toml() == text, "overrides do not read back");
  });
}

// ---- checkpoints ----

/// What is accepted can be written and read back to the same bytes.
inline void read_checkpoint(std::string const& bytes) {
  taken([&] {
    std::string const written = Checkpoint::parse(bytes, "file").bytes();
    expect(Checkpoint::parse(written, "again").bytes() == written,
           "a checkpoint does not read back");
  });
}

/// The learner of every algorithm goes on from it: parameters, optimiser and the memory of all environments.
inline void read_learner(std::string const& bytes) {
  std::string const file = with_right_checksum(bytes);
  taken([&] {
    Checkpoint const checkpoint = Checkpoint::parse(file, "file");
    for (SmallRun const& run : small_runs()) {
      if (!checkpoint.state().contains(run.algorithm)) continue;
      taken([&] {
        std::unique_ptr<Algorithm> const learner = run.make();
        learner->load(checkpoint);
        learner->collect();
        learner->update();
        learner->metrics();
        Checkpoint again;
        learner->save(again);
      });
    }
  });
}

/// Recipes may ask for as much memory as they like; these are about how they are read.
inline bool is_small(Recipe const& recipe) {
  AlgorithmEntry::Prepared const& learner = recipe.learner;
  bool small =
      recipe.run->num_envs <= 256 && recipe.run->eval_episodes <= 64 && recipe.run->frame_skip <= 8;
  for (Settings::Key const& key : learner.keys.keys()) {
    // Twice the defaults that are largest; pictures grow with the square of their side, and what Dreamer dreams
    // with the product of three.
    bool const factor = key.name == "batch" || key.name == "length" || key.name == "horizon";
    int const most = key.name == "pixels" ? 32 : factor ? 16 : key.name == "warm_up" ? 2000 : 256;
    if (auto* const* number = std::get_if<int*>(&key.variable)) small = small && **number <= most;
    if (auto* const* number = std::get_if<std::int64_t*>(&key.variable); key.name == "capacity")
      small = small && **number <= 4096;
    if (key.name == "size") small = small && *std::get<std::string*>(key.variable) == "custom";
    if (auto* const* list = std::get_if<std::vector<int>*>(&key.variable))
      small = small && (*list)->size() <= 4 &&
              std::all_of((*list)->begin(), (*list)->end(), [](int n) { return n <= 64; });
  }
  return small;
}

/// `dreamloom eval` and `dreamloom train --resume`.
inline void read_run(std::string const& bytes) {
  static MemoryDirectory const directory;
  static std::FILE* const nowhere = std::fopen("/dev/null", "w");
  std::string const file = with_right_checksum(bytes);
  bool small = true;
  taken([&] {
    auto const run = Checkpoint::parse(file, "file").state_at<nlohmann::json>("run");
    if (run.contains("recipe") && run["recipe"].is_string())
      small = is_small(make_recipe(run["recipe"].get<std::string>(), "file", {}));
  });
  if (!small) return;
  directory.clear();
  SmallRun const& run = small_runs()[0];
  Recipe const recipe = make_recipe(run.recipe, "recipe", {});
  write_whole(directory / "config.toml", recipe.toml());
  write_whole(directory / "checkpoint.safetensors", file);
  taken([&] { load_policy(directory.path().string(), {{"device", "cpu"}, {"threads", "1"}}); });
  taken([&] {
    Device const device("cpu", 1);
    Learner learner(recipe, device.exec());
    RunDirectory const held(directory.path(), RunDirectory::Open::resume);
    Progress progress("run", nowhere);
    Trainer(recipe, device, learner, held, RunDirectory::Open::resume, progress).run();
  });
}

// ---- metrics.csv ----

/// Continued, read and drawn.
inline void read_metrics_file(std::string const& bytes) {
  static MemoryDirectory const directory;
  directory.clear();
  RunDirectory const run(directory.path(), RunDirectory::Open::fresh);
  write_whole(run.metrics(), bytes);
  draw_curve(run);
  read_metrics(run.metrics()).last(kSecondsMetric);
  taken([&] {
    RunLog log(run.path(), 40);
    log.add(40, {{kReturnMetric, 1.0}});
    log.add(50, {{"loss", 2.0}, {"another", 1e300}});
  });
}

inline std::vector<FuzzTarget> const& fuzz_targets() {
  static std::vector<FuzzTarget> const targets = [] {
    std::vector<std::string> recipes, learners;
    for (auto const& file : recipe_files()) recipes.push_back(read_whole(file));
    for (SmallRun const& run : small_runs()) {
      recipes.push_back(run.recipe);
      learners.push_back(run.checkpoint);
    }
    std::vector<std::string> const checkpoint_words{"\"F32\"",
                                                    "\"U64\"",
                                                    "\"BOOL\"",
                                                    "\"dtype\":",
                                                    "\"shape\":[",
                                                    "\"data_offsets\":[0,0]",
                                                    "\"__metadata__\":{",
                                                    "\\\"",
                                                    "null",
                                                    "{}",
                                                    "[0,0]",
                                                    "-1",
                                                    "1e300",
                                                    "\"run\":"};
    std::string const metrics = "step,loss,episode_return,eval_return,seconds\n";
    return std::vector<FuzzTarget>{
        {"recipe", read_recipe, recipes, recipe_words()},
        {"overrides",
         read_overrides,
         {"--gamma\n0.5\n--ppo.hidden\n[16, 8]\n--seed=7\n--parameters.gravity\nuniform:9,10",
          "--parameters.gravity=normal:9.8,0.5\n--total_steps\n1e6\n--device\ncpu",
          "--parameters\ndefault\n--hidden\n64,64\n--ppo.value_clip\ntrue\n--stop_return\n-2_000"},
         recipe_words()},
        {"checkpoint", read_checkpoint, checkpoint_seeds(), checkpoint_words},
        {"learner", read_learner, learners, checkpoint_words},
        {"run", read_run, learners, checkpoint_words},
        {"metrics",
         read_metrics_file,
         {metrics + "10,1.5,2,,0.25\n20,1.25,3.5,,0.5\n30,1e-3,4,7,0.75\n",
          metrics + "10,nan,inf,-inf,1e300\n40,,,,\n40,1,1,1,1\n50,-1e308,1e308,1e-310,",
          "step,a,b\n9223372036854775807,1,2\n-5,1,2\n", "step\n1\n2\n"},
         {"nan", "inf", "1e308", "-1e308", "5e-324", "step,", "episode_return", "\n", ",,",
          "1e-300"}},
    };
  }();
  return targets;
}

}  // namespace loom
