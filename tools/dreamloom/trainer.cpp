#include <tools/dreamloom/trainer.hpp>

#include <fmt/format.h>
#include <cmath>
#include <learn/core/checkpoint.hpp>
#include <tools/dreamloom/environments.hpp>
#include <tools/dreamloom/metrics_table.hpp>
#include <tools/dreamloom/signals.hpp>

namespace loom {
namespace {

VectorEnvConfig batch(Recipe const& recipe, int num_envs, std::uint64_t seed) {
  VectorEnvConfig config = batch_of(recipe.run->environment, num_envs, seed, recipe.parameters);
  config.frame_skip = recipe.run->frame_skip;
  return config;
}

VectorEnvConfig evaluation_of(Recipe const& recipe) {
  return batch(recipe, recipe.run->eval_episodes, recipe.run->eval_seed);
}

std::optional<double> value_of(Metrics const& metrics, std::string const& name) {
  for (auto const& [key, value] : metrics) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

Learner::Learner(Recipe const& recipe, Exec const& exec)
    : training(batch(recipe, recipe.run->num_envs, recipe.run->seed)),
      evaluation(evaluation_of(recipe)),
      algorithm(recipe.learner.make(exec, training)) {}

LoadedPolicy load_policy(std::string const& checkpoint_or_run,
                         std::vector<Override> const& overrides) {
  Checkpoint const file = Checkpoint::read(find_checkpoint(checkpoint_or_run));
  auto const run = file.state_at<nlohmann::json>("run");
  require<IoError>(run.contains("recipe") && run["recipe"].is_string(), file.source(),
                   ": holds no recipe (needs a checkpoint of `dreamloom train`)");
  auto const text = run["recipe"].get<std::string>();

  // The learner is made as it was trained, so that its tensors fit; only then the overrides count.
  Recipe const trained = make_recipe(text, file.source(), {});
  // Trained on a GPU, evaluated on a laptop: the device is no part of the policy.
  std::vector<Override> now{{"device", "auto"}, {"threads", "0"}};
  now.insert(now.end(), overrides.begin(), overrides.end());
  LoadedPolicy policy;
  policy.recipe = make_recipe(text, file.source(), now);
  RunConfig const& run_config = *policy.recipe.run;
  policy.device = std::make_unique<Device>(run_config.device, run_config.threads);
  policy.learner = std::make_unique<Learner>(trained, policy.device->exec());
  policy.learner->evaluation = evaluation_of(policy.recipe);
  policy.learner->algorithm->load(file);
  policy.steps = policy.learner->algorithm->env_steps();
  return policy;
}

Trainer::Trainer(Recipe const& recipe, Device const& device, Learner& learner,
                 RunDirectory const& directory, RunDirectory::Open how, Progress& progress)
    : recipe_(recipe),
      exec_(device.exec()),
      directory_(directory),
      progress_(progress),
      learner_(learner) {
  std::error_code error;
  if (how == RunDirectory::Open::resume && std::filesystem::exists(directory.checkpoint(), error)) {
    load();
  }
  first_steps_ = rate_steps_ = learner_.algorithm->env_steps();
  write_whole(directory_.config(), "# The settings of this run, all of them.\n" + recipe_.toml());
  if (checkpoint_at_ >= 0) {
    log_ = std::make_unique<RunLog>(directory_.path(), first_steps_);
    earlier_s_ = read_metrics(directory_.metrics()).last(kSecondsMetric).value_or(0);
  } else {
    log_ = std::make_unique<RunLog>(directory_.path());
  }
}

Trainer::~Trainer() = default;

void Trainer::load() {
  Checkpoint const file = Checkpoint::read(directory_.checkpoint());
  auto const run = file.state_at<nlohmann::json>("run");
  learner_.algorithm->load(file);
  iteration_ = file.count_at("run", "iteration");
  evaluated_at_ = file.count_at("run", "evaluated_at");
  auto const reached = run.find("stop_return_reached");
  require<IoError>(reached != run.end() && reached->is_boolean(), file.source(),
                   ": is no checkpoint of a training run");
  if (reached->get<bool>()) outcome_.ending = Ending::stop_return;
  checkpoint_at_ = learner_.algorithm->env_steps();
}

void Trainer::save() {
  Checkpoint file;
  learner_.algorithm->save(file);
  // No clock in here: the checkpoint of a resumed run equals the uninterrupted one's, byte for
  // byte.
  file.state()["run"] = {{"recipe", recipe_.toml()},
                         {"iteration", iteration_},
                         {"evaluated_at", evaluated_at_},
                         {"stop_return_reached", outcome_.ending == Ending::stop_return}};
  log_->sync();
  file.write(directory_.checkpoint());
  checkpoint_at_ = learner_.algorithm->env_steps();
  saved_s_ = seconds();
}

double Trainer::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

/// Steps a second over the last second or so.
double Trainer::rate() {
  double const now_s = seconds();
  std::int64_t const steps = learner_.algorithm->env_steps();
  double const span_s = now_s - rate_begin_s_;
  if (span_s <= 0) return rate_;
  double const current = static_cast<double>(steps - rate_steps_) / span_s;
  if (span_s < 1 && rate_ > 0) return rate_;
  rate_ = current;
  if (span_s >= 1) {
    rate_begin_s_ = now_s;
    rate_steps_ = steps;
  }
  return rate_;
}

Metrics Trainer::measure() {
  Metrics metrics = learner_.algorithm->metrics();
  std::int64_t const steps = learner_.algorithm->env_steps();
  for (auto const& [name, value] : metrics) {
    if (std::isfinite(value)) continue;
    std::string const kept = checkpoint_at_ < 0
                                 ? "there is no checkpoint yet"
                                 : fmt::format("the checkpoint of step {} is kept", checkpoint_at_);
    fail<Error>(recipe_.run->algorithm, ": ", name, " is ", value, " at step ", steps, " (", kept,
                ")");
  }
  return metrics;
}

bool Trainer::evaluation_due() const {
  std::int64_t const every = recipe_.run->eval_every;
  return every > 0 && learner_.algorithm->env_steps() / every > evaluated_at_ / every;
}

void Trainer::show(bool last) {
  ProgressState const state{learner_.algorithm->env_steps(), recipe_.run->total_steps, rate(),
                            mean_return_};
  if (last) {
    progress_.finish(state);
  } else {
    progress_.update(state, seconds());
  }
}

Outcome Trainer::run() {
  RunConfig const& run = *recipe_.run;
  Algorithm& algorithm = *learner_.algorithm;
  StopSignals const signals;
  begin_ = std::chrono::steady_clock::now();
  bool done = algorithm.env_steps() >= run.total_steps || outcome_.ending == Ending::stop_return;

  Pace pace(exec_, algorithm);

  while (!done) {
    ++iteration_;
    pace.iterate(iteration_ % run.log_every == 0);
    outcome_.signal = StopSignals::received();
    bool const complete = algorithm.env_steps() >= run.total_steps;
    bool const stopped = outcome_.signal != 0;
    // A signal in the last iteration changes nothing: the run is whole, with its last evaluation.
    bool const evaluates = evaluation_due() || complete;
    if (iteration_ % run.log_every != 0 && !evaluates && !complete && !stopped) {
      show(false);
      continue;
    }

    Metrics metrics = measure();
    if (auto const value = value_of(metrics, kReturnMetric)) mean_return_ = value;
    if (evaluates) {
      double const before_s = seconds();
      outcome_.evaluation = evaluate(algorithm, exec_, learner_.evaluation, run.eval_episodes);
      pace.evaluated(seconds() - before_s);
      evaluated_at_ = algorithm.env_steps();
      metrics.emplace_back(kEvaluationMetric, outcome_.evaluation->mean());
      metrics.emplace_back("eval_return_sd", outcome_.evaluation->deviation());
      metrics.emplace_back("eval_length", outcome_.evaluation->mean_length());
      if (auto const success = outcome_.evaluation->success())
        metrics.emplace_back("eval_success", *success);
      if (outcome_.evaluation->mean() >= run.stop_return) outcome_.ending = Ending::stop_return;
    }
    for (auto const& m : pace.row()) metrics.push_back(m);
    metrics.emplace_back(kSecondsMetric, earlier_s_ + seconds());
    log_->add(algorithm.env_steps(), metrics);
    done = complete || stopped || outcome_.ending == Ending::stop_return;
    if (done || seconds() - saved_s_ >= run.checkpoint_every_s) save();
    show(done);
  }

  bool const cut_short = outcome_.signal != 0 && algorithm.env_steps() < run.total_steps &&
                         outcome_.ending != Ending::stop_return;
  if (cut_short) outcome_.ending = Ending::signal;
  outcome_.steps = algorithm.env_steps();
  outcome_.steps_here = outcome_.steps - first_steps_;
  outcome_.seconds = seconds();
  return outcome_;
}

}  // namespace loom
