#pragma once
// One training run: the loop, its log, its checkpoints, and how it ends.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tools/dreamloom/device.hpp>
#include <tools/dreamloom/evaluate.hpp>
#include <tools/dreamloom/pace.hpp>
#include <tools/dreamloom/progress.hpp>
#include <tools/dreamloom/recipe.hpp>
#include <tools/dreamloom/run_directory.hpp>

#include <learn/core/run_log.hpp>

namespace loom {

/// A learner made by a recipe, and the batches that the recipe trains and evaluates it on.
struct Learner {
  VectorEnvConfig training, evaluation;
  std::unique_ptr<Algorithm> algorithm;

  Learner(Recipe const& recipe, Exec const& exec);
};

/// The learner of a checkpoint, ready to act. Overrides change the evaluation only.
/// Errors  IoError: unreadable, damaged or of another shape; ConfigError: bad overrides.
struct LoadedPolicy {
  Recipe recipe;
  std::unique_ptr<Device> device;
  std::unique_ptr<Learner> learner;
  std::int64_t steps = 0;
};
LoadedPolicy load_policy(std::string const& checkpoint_or_run,
                         std::vector<Override> const& overrides);

enum class Ending { total_steps, stop_return, signal };

struct Outcome {
  Ending ending = Ending::total_steps;
  int signal = 0;
  std::int64_t steps = 0;
  double seconds = 0;  ///< of this process, without start-up
  std::int64_t steps_here = 0;
  std::optional<Evaluation> evaluation;  ///< the last one
};

/// What is computed depends on the recipe and the number of iterations alone, never on the clock:
/// checkpoints read and metrics only measure, evaluations have their own environments. Therefore a
/// run killed anywhere continues bit for bit from its last checkpoint.
class Trainer {
 public:
  /// The learner is as its recipe made it; on resume it takes over the checkpoint.
  /// Errors  IoError: the checkpoint to resume from cannot be used.
  Trainer(Recipe const& recipe, Device const& device, Learner& learner,
          RunDirectory const& directory, RunDirectory::Open how, Progress& progress);
  ~Trainer();

  /// Errors  Error: a metric is not finite. The last good checkpoint stays.
  Outcome run();

 private:
  void load();
  void save();
  Metrics measure();
  double seconds() const;
  double rate();
  void show(bool last);
  bool evaluation_due() const;

  Recipe const& recipe_;
  Exec exec_;
  RunDirectory const& directory_;
  Progress& progress_;
  Learner& learner_;
  std::unique_ptr<RunLog> log_;
  std::chrono::steady_clock::time_point begin_;
  std::int64_t iteration_ = 0;
  std::int64_t first_steps_ = 0;     ///< when this process began
  std::int64_t evaluated_at_ = 0;    ///< steps at the last evaluation
  std::int64_t checkpoint_at_ = -1;  ///< steps in the file; -1 without a file
  double saved_s_ = 0, earlier_s_ = 0;
  double rate_begin_s_ = 0, rate_ = 0;
  std::int64_t rate_steps_ = 0;
  std::optional<double> mean_return_;
  Outcome outcome_;
};

/// Column names of metrics.csv that the driver adds or reads.
inline constexpr char const* kReturnMetric = "episode_return";
inline constexpr char const* kEvaluationMetric = "eval_return";
inline constexpr char const* kSecondsMetric = "seconds";

}  // namespace loom
