#include <tools/dreamloom/cli.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <kernels/core/exec.hpp>
#include <kernels/core/names.hpp>
#include <tools/dreamloom/commands.hpp>

namespace loom {
namespace {

constexpr int kBadInput = 2, kFailure = 1;

std::string version_text() {
#if DREAMLOOM_WITH_CUDA
  constexpr char const* kMachines = "CPU and CUDA";
#else
  constexpr char const* kMachines = "CPU";
#endif
  return fmt::format("dreamloom {} ({}, {})", DREAMLOOM_VERSION, kMachines, DREAMLOOM_ARCH);
}

/// One line, whatever the message holds.
int complain(std::string message, int status) {
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  fmt::print(stderr, "dreamloom: {}\n", message);
  return status;
}

/// What CLI11 found wrong, with the help that would have told.
std::string message_of(CLI::App const& app, CLI::ParseError const& error) {
  std::string where = "dreamloom";
  for (CLI::App const* command : app.get_subcommands()) where += " " + command->get_name();
  return fmt::format("{} (see {} --help)", error.what(), where);
}

/// CLI11 would say "[OPTIONS]" and leave out what comes through as overrides.
class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::string usage) : usage_(std::move(usage)) {}
  std::string make_usage(CLI::App const*, std::string) const override {
    return "Usage: " + usage_ + "\n";
  }

 private:
  std::string usage_;
};

void set_usage(CLI::App& command, std::string usage) {
  command.formatter(std::make_shared<UsageFormatter>(std::move(usage)));
}

/// Throws ConfigError for a first word that is no command, with the nearest one.
void check_command(CLI::App const& app, int argc, char const* const* argv) {
  if (argc < 2) return;
  std::string const first = argv[1];
  if (first[0] == '-') {
    bool const known = first == "-h" || first == "--help" || first == "--version";
    require<ConfigError>(known, "command line: unknown option ", first, " (see dreamloom --help)");
    return;
  }
  std::vector<std::string> names;
  for (CLI::App const* command : app.get_subcommands({})) {
    if (command->get_name() == first) return;
    names.push_back(command->get_name());
  }
  fail<ConfigError>(unknown_name("command", first, names));
}

void add_train(CLI::App& app, std::function<int()>& chosen) {
  static TrainOptions o;
  CLI::App* c = app.add_subcommand("train", "Train a recipe into runs/<name>/");
  set_usage(*c, "dreamloom train RECIPE [--name NAME] [--resume] [--runs DIR] [--key value ...]");
  c->add_option("--name", o.name, "of the run; the recipe's when left out");
  c->add_option("--runs", o.runs, "where runs lie")->capture_default_str();
  c->add_flag("--resume", o.resume, "continue bit for bit from the run's last checkpoint");
  c->allow_extras();
  c->footer([] {
    return "RECIPE is a name (`dreamloom recipes`), a .toml file or a run's directory.\n"
           "Keys of a recipe, each also an option (--ppo.gamma 0.98; without its table where that\n"
           "is unambiguous: --gamma 0.98):\n" +
           train_keys() +
           "  --parameters.NAME VALUE  a parameter of the environment: 9.8, uniform:8.8,10.8,\n"
           "                           log_uniform:0.1,10 or normal:9.8,0.3\n"
           "  --parameters default     drops the recipe's randomisation\n"
           "Examples:\n"
           "  dreamloom train cartpole\n"
           "  dreamloom train cartpole --name long --total_steps 2e7 --seed 3\n"
           "  dreamloom train cartpole --parameters.gravity uniform:8.8,10.8\n"
           "  dreamloom train runs/long --resume";
  });
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return train(o); };
  });
}

void add_sweep(CLI::App& app, std::function<int()>& chosen) {
  static SweepOptions o;
  CLI::App* c = app.add_subcommand("sweep", "Train a recipe on several seeds, side by side");
  set_usage(*c, "dreamloom sweep RECIPE [--seeds N] [--jobs N] [--name NAME] [--key value ...]");
  c->add_option("--seeds", o.seeds, "1 ... N")->capture_default_str()->check(CLI::Range(1, 1000));
  c->add_option("--jobs", o.jobs, "at once; 0: one a core, on a GPU one")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  c->add_option("--name", o.name, "of the runs, before _<seed>; the recipe's when left out");
  c->add_option("--runs", o.runs, "where runs lie")->capture_default_str();
  c->allow_extras();
  c->footer(
      "Every seed is a process with --threads 1 in runs/<name>_<seed>/. The same command again\n"
      "skips complete seeds and goes on with the others. Writes runs/<name>_sweep.csv and\n"
      "runs/<name>_sweep.svg. Keys are those of `dreamloom train --help`.\n"
      "Examples:\n"
      "  dreamloom sweep cartpole\n"
      "  dreamloom sweep pendulum --seeds 10 --jobs 4\n"
      "  dreamloom sweep cartpole --name gamma_98 --ppo.gamma 0.98");
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return sweep(o); };
  });
}

void add_eval(CLI::App& app, std::function<int()>& chosen) {
  static EvalOptions o;
  CLI::App* c = app.add_subcommand("eval", "Evaluate a checkpoint's greedy policy");
  set_usage(*c, "dreamloom eval CHECKPOINT|RUN [options] [--parameters.NAME VALUE ...]");
  c->add_option("--episodes", o.episodes, "how many; the recipe's number when left out")
      ->check(CLI::Range(1, 1 << 20));
  c->add_option("--seed", o.seed, "of the environments; the recipe's when left out");
  c->add_option("--device", o.device, "auto, cpu, cuda or cuda:n")->capture_default_str();
  c->add_flag("--json", o.json, "as one JSON object");
  c->allow_extras();
  c->footer(
      "--parameters.NAME VALUE evaluates on other parameters than the run's, e.g. held-out ones;\n"
      "--parameters default on the environment's defaults.\n"
      "Examples:\n"
      "  dreamloom eval runs/cartpole\n"
      "  dreamloom eval runs/cartpole --episodes 1000 --json\n"
      "  dreamloom eval runs/cartpole --parameters.gravity uniform:11,12");
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return eval(o); };
  });
}

void add_dream(CLI::App& app, std::function<int()>& chosen) {
  static DreamOptions o;
  CLI::App* c = app.add_subcommand("dream", "Compare a world model's dreams with what comes");
  set_usage(*c,
            "dreamloom dream CHECKPOINT|RUN [--out FILE.svg|FILE.png|FILE.gif] [--context N] "
            "[--horizon N] [--parameters.NAME VALUE ...]");
  c->add_option(
       "--out", o.out,
       ".svg: errors over time, the first episode's numbers beside it in .csv; .png, .gif: "
       "of a model that sees pictures, what comes, its reconstruction, the dream and its "
       "error")
      ->capture_default_str();
  c->add_option("--seed", o.seed, "of the environments; the recipe's when left out");
  c->add_option("--instances", o.instances, "episodes that errors are averaged over")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  c->add_option("--context", o.context, "steps that the model sees")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  c->add_option("--horizon", o.horizon, "steps that it dreams after them")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  c->allow_extras();
  c->footer(
      "Examples:\n"
      "  dreamloom dream runs/dreamer_cartpole\n"
      "  dreamloom dream runs/dreamer_cartpole --horizon 200 --parameters.gravity 12\n"
      "  dreamloom dream runs/dreamer_pixels_cartpole_swingup --out dream.gif --instances 4");
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return dream(o); };
  });
}

void add_modes(CLI::App& app, std::function<int()>& chosen) {
  static ModesOptions o;
  CLI::App* c = app.add_subcommand("modes", "Compare what models foresee with what can come");
  set_usage(*c,
            "dreamloom modes CHECKPOINT|RUN ... [--out FILE.svg] [--context N] [--width N] "
            "[--parameters.NAME VALUE ...]");
  c->add_option("--out", o.out,
                "draws between the modes; FILE_latent_1.svg ...: z; with --width FILE.png: draws")
      ->capture_default_str();
  c->add_option("--seed", o.seed, "of the environments; the recipe's when left out");
  c->add_option("--instances", o.instances, "episodes that are played")
      ->capture_default_str()
      ->check(CLI::Range(2, 65536));
  c->add_option("--context", o.context, "steps before the one that is foreseen")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  c->add_option("--samples", o.samples, "draws of what may come, an episode")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  c->add_option("--width", o.width, "numbers in a row, of observations that are pictures")
      ->check(CLI::Range(1, 4096));
  c->allow_extras();
  c->footer(
      "Of the step after --context, whose observation must be one of a few:\n"
      "  neither         share of the prior's draws, decoded, that are near none of them\n"
      "  coverage        share of them that get half their due of an episode's draws\n"
      "  log-likelihood  of what comes, beside one who knows them and their shares\n"
      "Example:\n"
      "  dreamloom modes runs/dreamer_crossroads_categorical runs/dreamer_crossroads_gaussian "
      "--width 7");
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return modes(o); };
  });
}

void add_render(CLI::App& app, std::function<int()>& chosen) {
  static RenderOptions o;
  CLI::App* c = app.add_subcommand("render", "Draw an episode of a checkpoint's greedy policy");
  set_usage(
      *c,
      "dreamloom render CHECKPOINT|RUN [--out FILE.gif|FILE.png] [--parameters.NAME VALUE ...]");
  c->add_option("--out", o.out, ".gif: the episode; .png: its first picture")
      ->capture_default_str();
  c->add_option("--seed", o.seed, "of the environments; the recipe's when left out");
  c->add_option("--instances", o.instances, "side by side")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  c->add_option("--max_frames", o.max_frames, "pictures at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  c->allow_extras();
  c->footer(
      "Examples:\n"
      "  dreamloom render runs/cartpole --out cartpole.gif\n"
      "  dreamloom render runs/cartpole --instances 4 --parameters.length uniform:0.3,1");
  c->callback([&chosen, c] {
    o.arguments = c->remaining();
    chosen = [] { return render(o); };
  });
}

void add_lists(CLI::App& app, std::function<int()>& chosen) {
  static EnvsOptions e;
  CLI::App* c = app.add_subcommand("envs", "List the environments, or one of them in detail");
  c->add_option("NAME", e.name, "of an environment");
  c->add_flag("--json", e.json, "as JSON");
  c->footer("Examples:\n  dreamloom envs\n  dreamloom envs CartPole");
  c->callback([&chosen] { chosen = [] { return envs(e); }; });

  static RecipesOptions r;
  c = app.add_subcommand("recipes", "List the recipes, or print one");
  c->add_option("NAME", r.name, "of a recipe");
  c->footer("Examples:\n  dreamloom recipes\n  dreamloom recipes cartpole > mine.toml");
  c->callback([&chosen] { chosen = [] { return recipes(r); }; });
}

void add_looks(CLI::App& app, std::function<int()>& chosen) {
  static PlotOptions p;
  CLI::App* c = app.add_subcommand("plot", "Draw a metric of several runs as SVG");
  c->add_option("RUN", p.runs, "run directories")->required();
  c->add_option("--metric", p.metric, "a column of metrics.csv")->capture_default_str();
  c->add_option("--out", p.out, "file to write")->capture_default_str();
  c->add_option("--title", p.title, "above the curves");
  c->add_flag("--mean", p.mean, "one line, with a band of one standard deviation");
  c->footer(
      "Examples:\n"
      "  dreamloom plot runs/a runs/b\n"
      "  dreamloom plot runs/seed* --mean --metric eval_return --out seeds.svg");
  c->callback([&chosen] { chosen = [] { return plot(p); }; });

  static InspectOptions i;
  c = app.add_subcommand("inspect", "List what lies in a checkpoint");
  c->add_option("CHECKPOINT", i.name, "checkpoint or run directory")->required();
  c->footer("Examples:\n  dreamloom inspect runs/cartpole");
  c->callback([&chosen] { chosen = [] { return inspect(i); }; });
}

void add_bench(CLI::App& app, std::function<int()>& chosen) {
  static BenchOptions o;
  CLI::App* c = app.add_subcommand("bench", "Measure this machine's ceilings and our rates");
  c->add_option("--filter", o.filter, "only rows whose name contains this");
  c->add_option("--device", o.device, "auto, cpu, cuda or cuda:n")->capture_default_str();
  c->add_option("--threads", o.threads, "of the CPU; 0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  c->add_option("--seconds", o.seconds, "a measurement takes")->capture_default_str();
  c->add_flag("--json", o.json, "as JSON");
  c->footer("Examples:\n  dreamloom bench\n  dreamloom bench --filter CartPole --threads 1");
  c->callback([&chosen] { chosen = [] { return bench(o); }; });
}

int run_commands(int argc, char const* const* argv) {
  CLI::App app(
      "Batched reinforcement learning: randomised environments, learners and their policies.",
      "dreamloom");
  app.set_version_flag("--version", version_text);
  app.require_subcommand(1);
  std::function<int()> chosen;
  add_train(app, chosen);
  add_sweep(app, chosen);
  add_eval(app, chosen);
  add_render(app, chosen);
  add_dream(app, chosen);
  add_modes(app, chosen);
  add_lists(app, chosen);
  add_looks(app, chosen);
  add_bench(app, chosen);
  // Last: commands inherit what stands here when they are added.
  app.footer(
      "Examples:\n"
      "  dreamloom train cartpole\n"
      "  dreamloom eval runs/cartpole\n"
      "  dreamloom train --help      every key of a recipe");

  if (argc < 2) {
    fmt::print("{}", app.help());
    return 0;
  }
  check_command(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return complain(message_of(app, error), kBadInput);
  }
  return chosen();
}

}  // namespace

std::string only_positional(std::vector<std::string> const& positional, std::string const& what) {
  require<ConfigError>(!positional.empty(), "command line: no ", what, " (needs one)");
  require<ConfigError>(positional.size() == 1, "command line: unexpected \"", positional.back(),
                       "\" (needs one ", what, ", then --key value)");
  return positional[0];
}

int run_program(int argc, char const* const* argv) {
  // A file at its size limit is then an error of write(), like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run_commands(argc, argv);
  } catch (ConfigError const& e) {
    return complain(e.what(), kBadInput);
  } catch (ShapeError const& e) {
    return complain(e.what(), kBadInput);
  } catch (std::bad_alloc const&) {
    return complain("memory: none left", kFailure);
  } catch (std::exception const& e) {
    return complain(e.what(), kFailure);
  }
}

}  // namespace loom
