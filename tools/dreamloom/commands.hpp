#pragma once
// The commands of the program; what the command line says in plain structs.
#include <string>
#include <tools/dreamloom/recipe.hpp>
#include <vector>

namespace loom {

struct TrainOptions {
  std::vector<std::string> arguments;  ///< recipe and --key value
  std::string name;                    ///< of the run; empty: the recipe's
  std::string runs = "runs";
  bool resume = false;
};
/// 0; 128 + signal when one ended the run early.
int train(TrainOptions const& options);
/// Every key of a recipe with default, range and help, for --help.
std::string train_keys();

struct SweepOptions {
  std::vector<std::string> arguments;  ///< recipe and --key value
  int seeds = 5;                       ///< 1 ... seeds
  int jobs = 0;                        ///< at once; 0: as many as there are cores
  std::string name;                    ///< of the runs, before _<seed>; empty: the recipe's
  std::string runs = "runs";
};
/// As train(), for several seeds. Throws when one fails, after the others have ended.
int sweep(SweepOptions const& options);

struct EvalOptions {
  std::vector<std::string> arguments;  ///< checkpoint or run, and --parameters.x value
  int episodes = 0;                    ///< 0: as the run's recipe says
  std::string seed;                    ///< empty: as the recipe says
  std::string device = "auto";
  bool json = false;
};
int eval(EvalOptions const& options);

struct RenderOptions {
  std::vector<std::string> arguments;
  std::string out = "render.gif";
  std::string seed;
  int instances = 1;
  int max_frames = 500;
};
int render(RenderOptions const& options);

struct DreamOptions {
  std::vector<std::string> arguments;
  std::string out = "dream.svg";
  std::string seed;
  int instances = 64;
  int context = 15;  ///< steps that the model sees
  int horizon = 45;  ///< steps that it dreams after them
};
int dream(DreamOptions const& options);

struct ModesOptions {
  std::vector<std::string> arguments;
  std::string out = "modes.svg";
  std::string seed;
  int instances = 256;
  int context = 4;    ///< steps before the one that is foreseen
  int samples = 256;  ///< draws of what may come, an instance
  int width = 0;      ///< numbers in a row of an observation that is a picture; 0: it is none
};
int modes(ModesOptions const& options);

struct EnvsOptions {
  std::string name;  ///< empty: the table of all
  bool json = false;
};
int envs(EnvsOptions const& options);

struct RecipesOptions {
  std::string name;  ///< empty: the list of all
};
int recipes(RecipesOptions const& options);

struct BenchOptions {
  std::string filter;
  std::string device = "auto";
  int threads = 0;
  double seconds = 0.2;  ///< of each measurement
  bool json = false;
};
int bench(BenchOptions const& options);

struct PlotOptions {
  std::vector<std::string> runs;
  std::string metric = "episode_return", out = "curve.svg", title;
  bool mean = false;  ///< one line and a band instead of a line each
};
int plot(PlotOptions const& options);

struct InspectOptions {
  std::string name;  ///< checkpoint or run
};
int inspect(InspectOptions const& options);

/// The overrides of a command that works with a trained policy: parameters only.
/// Throws ConfigError for any other key.
std::vector<Override> policy_overrides(std::vector<std::string> const& arguments,
                                       std::vector<std::string>& positional);

/// The only positional argument. Throws ConfigError: `what` is missing, or there is more than one.
std::string only_positional(std::vector<std::string> const& positional, std::string const& what);

}  // namespace loom
