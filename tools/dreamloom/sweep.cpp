// dreamloom sweep: a recipe on several seeds, each in a process of its own, and what they reach.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <learn/core/atomic_file.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/text.hpp>
#include <list>
#include <thread>
#include <tools/dreamloom/child_process.hpp>
#include <tools/dreamloom/commands.hpp>
#include <tools/dreamloom/metrics_table.hpp>
#include <tools/dreamloom/signals.hpp>
#include <tools/dreamloom/trainer.hpp>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollPeriod = std::chrono::milliseconds(10);

/// What a whole run ended with.
struct Reached {
  double steps, mean, deviation, length, seconds;
  std::optional<double> success;
};

struct SeedRun {
  int seed;
  fs::path directory;
  std::vector<std::string> arguments;  ///< that train it, or go on with it
  std::optional<Reached> reached = {};
};

struct Failure {
  int seed, status;
  std::string message;
};

/// What all seeds have in common.
struct Plan {
  std::string name, environment;
  fs::path recipe_path;
  std::vector<Override> overrides;
  int jobs = 1;
  std::vector<SeedRun> runs;
};

bool has_key(std::vector<Override> const& overrides, std::string const& key) {
  return std::any_of(overrides.begin(), overrides.end(),
                     [&](Override const& o) { return o.first == key; });
}

/// Whether the run has nothing left to do. Throws IoError for a damaged checkpoint.
bool is_complete(fs::path const& directory, std::int64_t total_steps) {
  fs::path const file = directory / "checkpoint.safetensors";
  std::error_code error;
  if (!fs::exists(file, error)) return false;
  auto const run = Checkpoint::read(file).state_at<nlohmann::json>("run");
  return run.value("stop_return_reached", false) ||
         run.value("evaluated_at", std::int64_t{0}) >= total_steps;
}

/// The last line of metrics.csv, which must hold an evaluation.
Reached reached_by(fs::path const& directory) {
  MetricsTable const table = read_metrics(directory / "metrics.csv");
  auto const means = table.series(kEvaluationMetric);
  bool const evaluated =
      !means.empty() && !table.rows.back().empty() && table.rows.back()[0] == means.back().first;
  require<Error>(evaluated, directory.string(),
                 ": was stopped before its last evaluation (`dreamloom eval ", directory.string(),
                 "` makes one)");
  auto const last = [&](char const* column) { return table.last(column).value_or(0); };
  return {means.back().first,  means.back().second,  last("eval_return_sd"),
          last("eval_length"), last(kSecondsMetric), table.last("eval_success")};
}

/// How a seed is trained. Throws ConfigError when its directory holds a run of other settings.
SeedRun plan_seed(Plan const& plan, int seed, fs::path const& runs, std::string const& device) {
  std::string const name = fmt::format("{}_{}", plan.name, seed);
  SeedRun run{seed, runs / name, {"train", plan.recipe_path.string()}};
  std::vector<Override> overrides = plan.overrides;
  overrides.emplace_back("seed", std::to_string(seed));
  for (auto const& [key, value] : overrides) run.arguments.push_back("--" + key + "=" + value);
  run.arguments.insert(run.arguments.end(), {"--runs", runs.string(), "--name", name});

  std::error_code error;
  if (!fs::exists(run.directory / "config.toml", error)) return run;
  Recipe recipe = load_recipe(plan.recipe_path, overrides);
  recipe.run->device = device;
  std::string const difference =
      first_difference(recipe, load_recipe(run.directory / "config.toml", {}));
  require<ConfigError>(difference.empty(), run.directory.string(), ": ", difference,
                       "; only total_steps may change (choose another --name)");
  if (is_complete(run.directory, recipe.run->total_steps)) {
    run.reached = reached_by(run.directory);
  }
  run.arguments.push_back("--resume");
  return run;
}

/// Throws ConfigError for whatever can be refused before anything is written.
Plan plan_sweep(SweepOptions const& o) {
  Plan plan;
  std::vector<std::string> positional;
  plan.overrides = parse_overrides(o.arguments, positional);
  require<ConfigError>(!has_key(plan.overrides, "seed"),
                       "command line: --seed (a sweep sets it; --seeds says how many)");
  plan.recipe_path = find_recipe(only_positional(positional, "recipe"));
  // A core a seed wastes nothing; the bits do not depend on the threads.
  if (!has_key(plan.overrides, "threads")) plan.overrides.emplace_back("threads", "1");
  Recipe const recipe = load_recipe(plan.recipe_path, plan.overrides);
  plan.name = o.name.empty() ? recipe.name : o.name;
  require<ConfigError>(plan.name.find('/') == std::string::npos, "command line: --name ",
                       toml_quoted(plan.name),
                       " (needs a plain directory name; --runs says where)");
  plan.environment = recipe.run->environment;

  Device const device(recipe.run->device, recipe.run->threads);
  // Seeds side by side on one GPU would only wait for each other.
  int const room = device.name() == "cpu" ? usable_cores() / device.threads() : 1;
  plan.jobs = o.jobs > 0 ? o.jobs : std::max(room, 1);
  for (int seed = 1; seed <= o.seeds; ++seed) {
    plan.runs.push_back(plan_seed(plan, seed, o.runs, device.name()));
  }
  return plan;
}

std::string text_of(Reached const& r) {
  std::string text = fmt::format("return {:.1f} +- {:.1f}", r.mean, r.deviation);
  if (r.success) text += fmt::format(", {:.1f} % reached the goal", 100 * *r.success);
  return text;
}

/// Trains what is left, `jobs` at once.
class Sweep {
 public:
  explicit Sweep(Plan& plan) : plan_(plan) {}

  /// The signal that ended it early; 0 when every seed has been tried.
  int run() {
    StopSignals const signals;
    for (SeedRun& run : plan_.runs) {
      if (run.reached) report(run.seed, text_of(*run.reached) + " (was complete)");
    }
    auto next = plan_.runs.begin();
    int signal = 0;
    while (true) {
      if (signal == 0 && (signal = StopSignals::received()) != 0) {
        for (Job const& job : jobs_) job.process.send(signal);
      }
      for (; signal == 0 && next != plan_.runs.end() && jobs_.size() < limit(); ++next) {
        if (!next->reached) jobs_.emplace_back(*next);
      }
      jobs_.remove_if([&](Job& job) { return ended(job, signal != 0); });
      if (jobs_.empty() && (signal != 0 || next == plan_.runs.end())) return signal;
      std::this_thread::sleep_for(kPollPeriod);
    }
  }

  std::vector<Failure> const& failures() const { return failures_; }

 private:
  struct Job {
    explicit Job(SeedRun& seed_run) : run(seed_run), process(seed_run.arguments) {}
    SeedRun& run;
    ChildProcess process;
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  };

  std::size_t limit() const { return static_cast<std::size_t>(plan_.jobs); }

  void report(int seed, std::string const& text) {
    ++reported_;
    fmt::print("seed {}: {} [{} of {}]\n", seed, text, reported_, plan_.runs.size());
    std::fflush(stdout);
  }

  void fail_seed(int seed, int status, std::string const& message) {
    failures_.push_back({seed, status, message});
    report(seed, "failed: " + message);
  }

  /// Whether the job is over; then also says how.
  bool ended(Job& job, bool stopping) {
    auto const status = job.process.poll();
    if (!status) return false;
    int const seed = job.run.seed;
    if (*status == 0) {
      try {
        job.run.reached = reached_by(job.run.directory);
      } catch (Error const& error) {
        fail_seed(seed, 1, error.what());
        return true;
      }
      std::chrono::duration<double> const span = std::chrono::steady_clock::now() - job.begin;
      report(seed, fmt::format("{}, {:.1f} s", text_of(*job.run.reached), span.count()));
    } else if (*status > 128) {
      // Stopped by us it has saved; by anybody else it may be resumed as well, but that is news.
      if (!stopping) {
        fail_seed(seed, *status,
                  fmt::format("ended by signal {} ({})", *status - 128, strsignal(*status - 128)));
      }
    } else {
      std::string const complaint = job.process.complaint();
      fail_seed(seed, *status,
                complaint.empty() ? fmt::format("ended with status {}", *status) : complaint);
    }
    return true;
  }

  Plan& plan_;
  std::list<Job> jobs_;
  std::vector<Failure> failures_;
  std::size_t reported_ = 0;
};

std::string csv(std::vector<SeedRun> const& runs) {
  std::string text = "seed,steps,return,return_sd,length,success,seconds\n";
  for (SeedRun const& run : runs) {
    if (!run.reached) continue;
    Reached const& r = *run.reached;
    text += fmt::format("{},{},{},{},{},{},{}\n", run.seed, shortest(r.steps), shortest(r.mean),
                        shortest(r.deviation), shortest(r.length),
                        r.success ? shortest(*r.success) : "", shortest(r.seconds));
  }
  return text;
}

/// "94.3 (lowest 94.1)" of one number of every whole run.
template <class F>
std::string mean_and_lowest(std::vector<SeedRun> const& runs, F const& number) {
  double sum = 0, lowest = 0;
  int n = 0;
  for (SeedRun const& run : runs) {
    if (!run.reached) continue;
    double const value = number(*run.reached);
    lowest = n == 0 ? value : std::min(lowest, value);
    sum += value;
    ++n;
  }
  return fmt::format("{:.1f} (lowest {:.1f})", sum / n, lowest);
}

/// Table, CSV and picture of the whole runs; nothing when there is none.
void summarise(Plan const& plan, fs::path const& runs) {
  PlotOptions picture;
  picture.metric = kEvaluationMetric;
  bool goal = false;
  for (SeedRun const& run : plan.runs) {
    if (!run.reached) continue;
    picture.runs.push_back(run.directory.string());
    goal = run.reached->success.has_value();
    // One evaluation, at the end, makes no curve.
    auto const evaluations = read_metrics(run.directory / "metrics.csv").series(kEvaluationMetric);
    if (evaluations.size() < 2) picture.metric = kReturnMetric;
  }
  if (picture.runs.empty()) return;
  std::size_t const n = picture.runs.size();
  fmt::print("{}, {} {}: return {}", plan.environment, n, n == 1 ? "seed" : "seeds",
             mean_and_lowest(plan.runs, [](Reached const& r) { return r.mean; }));
  if (goal) {
    fmt::print(", reached the goal {} %", mean_and_lowest(plan.runs, [](Reached const& r) {
                 return 100 * r.success.value_or(0);
               }));
  }
  fs::path const table = runs / (plan.name + "_sweep.csv");
  write_whole(table, csv(plan.runs));
  fmt::print("\n{}\n", table.string());
  std::fflush(stdout);
  picture.out = (runs / (plan.name + "_sweep.svg")).string();
  picture.title = fmt::format("{}, {} {}", plan.name, n, n == 1 ? "seed" : "seeds");
  picture.mean = true;
  plot(picture);
}

}  // namespace

int sweep(SweepOptions const& o) {
  Plan plan = plan_sweep(o);
  Sweep sweep(plan);
  int const signal = sweep.run();
  auto const complete = std::count_if(plan.runs.begin(), plan.runs.end(),
                                      [](SeedRun const& run) { return run.reached.has_value(); });
  auto const all = static_cast<std::ptrdiff_t>(plan.runs.size());
  if (signal != 0 && complete < all) {
    fmt::print("stopped with {} of {} seeds complete; the same command goes on\n", complete, all);
    return 128 + signal;
  }
  summarise(plan, o.runs);
  if (sweep.failures().empty()) return 0;
  Failure const& first =
      *std::min_element(sweep.failures().begin(), sweep.failures().end(),
                        [](Failure const& a, Failure const& b) { return a.seed < b.seed; });
  std::string const message = fmt::format("{} of {} seeds failed; seed {}: {}",
                                          sweep.failures().size(), all, first.seed, first.message);
  if (first.status == 2) fail<ConfigError>(message);
  fail<Error>(message);
}

}  // namespace loom
