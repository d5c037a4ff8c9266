#pragma once
// What a run leaves to look at: its curve and an animation of its policy.
#include <filesystem>
#include <tools/dreamloom/run_directory.hpp>
#include <tools/dreamloom/trainer.hpp>

namespace loom {

struct PictureOptions {
  int instances = 1;  ///< side by side
  int max_frames = 500;
  int height = 240;  ///< pixels of one instance
};

/// Seconds that an action stands for: the parameter time_step, if the environment has one.
double step_s(VectorEnv const& env);

/// curve.svg from the run's metrics.csv: mean return of training and evaluation over steps.
void draw_curve(RunDirectory const& directory);

/// One episode of the greedy policy in the learner's evaluation environments: a GIF, or the first
/// picture of it as PNG, as the file's name says.
/// Errors  ConfigError for another extension; IoError when it cannot be written.
void animate_to(std::filesystem::path const& file, Learner& learner, Exec const& exec,
                PictureOptions const& options = {});

}  // namespace loom
